import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Channel } from '../../src/run/reports/channel.js';
import { NODE_CHANNEL } from '../../src/run/reports/node-channel.js';
import { judgeCounts } from '../../src/runners/command/counts.js';
import { parseJunit } from '../../src/runners/command/junit.js';
import { readTap } from '../../src/runners/command/tap.js';
import { runPattern } from '../../src/runners/go/select.js';
import { goTestName } from '../../src/util/go-name.js';
import { GoReports } from '../../src/runners/go/reports.js';
import { optionsOfScript } from '../../src/runners/node-test/options.js';
import { namePattern } from '../../src/runners/vitest/filter.js';
import { START } from '../../src/runners/vitest/inside.js';
import { capture } from '../../src/util/process.js';
import { makeCase, makeCommand } from './rig.js';

describe('the channel', () => {
  // @verifies AC-run-forged-output-is-no-report
  it('takes only lines under its key and in their order, and the key is gone before a test could read it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coherence-test-'));
    try {
      await using channel = await Channel.open({ inside: folder, host: folder }, { once: true });
      const reporter = join(folder, 'reporter.mjs');
      await writeFile(reporter, `${NODE_CHANNEL}\nsend({ type: 'one' });\nsend({ type: 'two', text: 'é\\n' });`);
      const main = join(folder, 'main.mjs');
      await writeFile(
        main,
        `const names = Object.keys(await import(${JSON.stringify(pathToFileURL(reporter).href)}));\nprocess.stdout.write(JSON.stringify([process.env.COHERENCE_REPORT_CHANNEL ?? null, names]));`,
      );
      const done = await capture({
        command: [process.execPath, main],
        cwd: folder,
        env: { ...process.env, ...channel.env },
      });
      expect(done.stdout).toBe('[null,[]]');
      const inside = (await readdir(folder)).find((name) => name.startsWith('channel-')) ?? '';
      const logs = await readdir(join(folder, inside));
      expect(logs).toHaveLength(1);
      expect(logs[0]).toMatch(/\.log$/);
      const log = join(folder, inside, logs[0] ?? '');
      expect((await channel.read()).map((event) => [event.type, event.fields['text']])).toEqual([
        ['one', undefined],
        ['two', 'é\n'],
      ]);
      const copied = (await readFile(log, 'utf8')).split('\n')[0] ?? '';
      await appendFile(log, `${copied}\n{"type":"three"}\n${'0'.repeat(64)} {"type":"four"}\n`);
      expect(await channel.read()).toEqual([]);
      expect(channel.forged).toBe(3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  // @verifies AC-run-forged-output-is-no-report
  it('neither waits for what a test puts there in the place of a file nor follows it, and still reads the rest', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coherence-test-'));
    try {
      await using channel = await Channel.open({ inside: folder, host: folder }, { once: true });
      const reporter = join(folder, 'reporter.mjs');
      await writeFile(reporter, `${NODE_CHANNEL}\nsend({ type: 'one' });`);
      await capture({ command: [process.execPath, reporter], cwd: folder, env: { ...process.env, ...channel.env } });
      const inside = join(folder, (await readdir(folder)).find((name) => name.startsWith('channel-')) ?? '');
      await capture({ command: ['mkfifo', join(inside, '0-pipe.log')], cwd: folder, env: process.env });
      await symlink('/dev/zero', join(inside, '0-endless.log'));
      await mkdir(join(inside, '0-folder.log'));
      expect((await channel.read()).map((event) => event.type)).toEqual(['one']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the start of vitest from inside', () => {
  // @verifies AC-runners-own-way
  it('finds the installation from the folder that it runs in', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coherence-test-'));
    try {
      const start = join(folder, 'start.mjs');
      await writeFile(start, START);
      const done = await capture({
        command: [process.execPath, start, '--version'],
        cwd: process.cwd(),
        env: process.env,
      });
      expect(done.stdout).toMatch(/^vitest\//);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

// @verifies AC-runners-expected-report
describe('TAP', () => {
  it.each([
    ['1..2\nok 1 - a\nok 2\n', { passed: 2, skipped: 0, failures: [] }],
    ['TAP version 14\nok a\nnot ok - b\n1..2\n', { passed: 1, skipped: 0, failures: ['b'] }],
    ['1..3\nok 1 # SKIP x\nnot ok 2 - y # TODO later\nok 3 - has \\# hash\n', { passed: 1, skipped: 2, failures: [] }],
    [
      '1..1\n    ok 1 - inner\n    1..1\nok 1 - outer\n  ---\n  not ok 5\n  ...\n',
      { passed: 1, skipped: 0, failures: [] },
    ],
    ['1..0 # SKIP no database\n', { passed: 0, skipped: 1, failures: [] }],
    // Every word that begins so is the directive.
    ['1..3\nok 1 # SKIPPED\nok 2 - b # skip: later\nok 3 # Todo\n', { passed: 0, skipped: 3, failures: [] }],
    // A point with subtests counts as they do.
    ['1..1\n    1..2\n    ok 1\n    ok 2 # skip\nok 1 - outer\n', { passed: 1, skipped: 1, failures: [] }],
    ['1..1\n    1..1\n    not ok 1 - inner\nok 1 - outer\n', { passed: 0, skipped: 0, failures: ['inner'] }],
    ['1..1\n    1..1\n    not ok 1 - inner # TODO\nok 1 - outer\n', { passed: 0, skipped: 1, failures: [] }],
    ['1..1\n    1..0\nok 1 - an empty suite\n', { passed: 0, skipped: 0, failures: [] }],
    // Deeper lines without a plan are output.
    ['1..1\n    not ok, says the program\nok 1\n', { passed: 1, skipped: 0, failures: [] }],
  ])('counts %j', (text, expected) => {
    expect(readTap(text)).toMatchObject(expected);
  });

  it.each([
    '',
    'ok 1\n',
    '1..2\nok 1\n',
    '1..1\nok 1\n1..1\n',
    '1..2\nok 1\nok 1\n',
    '1..1\nok 1\nBail out! no\n',
    'PASS\n',
    '1..1\nok 2\n',
    '1..1\n    1..2\n    ok 1\nok 1 - outer\n',
    '1..1\n    Bail out! deep\nok 1 - outer\n',
  ])('believes no report like %j', (text) => {
    expect(readTap(text)).toHaveProperty('problem');
  });
});

describe('JUnit', () => {
  const parse = async (text: string): ReturnType<typeof parseJunit> => parseJunit(Buffer.from(text));
  const suite = (attributes: string, cases: string): string =>
    `<testsuites><testsuite name="s" ${attributes}>${cases}</testsuite></testsuites>`;

  // @verifies AC-runners-expected-report
  it('counts nested suites, failures, errors and skips', async () => {
    const counts = await parse(
      '<?xml version="1.0"?><testsuites><testsuite name="a"><testsuite><testcase name="one"/></testsuite><testcase classname="k" name="two"><failure message="m &lt; n">t</failure></testcase><testcase name="three"><error/></testcase><testcase name="four"><skipped/></testcase></testsuite></testsuites>',
    );
    expect(counts).toMatchObject({ passed: 1, skipped: 1, failures: ['k > two', 'three'] });
    expect(await parse('<testsuite><testcase name="1"/></testsuite>')).toMatchObject({ passed: 1 });
  });

  // @verifies AC-runners-report-says-worst
  it.each([
    // GoogleTest, CTest, Bazel, behave, NUnit
    ['status="notrun" result="suppressed"', { passed: 0, skipped: 1 }],
    ['status="run" result="skipped"', { passed: 0, skipped: 1 }],
    ['status="run" result="completed"', { passed: 1, skipped: 0 }],
    ['status="disabled"', { passed: 0, skipped: 1 }],
    ['status="Not Run"', { passed: 0, skipped: 1 }],
    ['status="untested"', { passed: 0, skipped: 1 }],
    ['executed="False"', { passed: 0, skipped: 1 }],
    ['status="fail"', { passed: 0, failures: ['t'] }],
    ['status="run" result="interrupted"', { passed: 0, failures: ['t'] }],
    ['status="FAILED"', { passed: 0, failures: ['t'] }],
    ['success="false"', { passed: 0, failures: ['t'] }],
    ['status="passed"', { passed: 1 }],
    ['status="perhaps"', { passed: 0, trouble: { reason: 'not-reported' } }],
  ])('believes the attributes of a case: %s', async (attributes, expected) => {
    expect(await parse(suite('', `<testcase name="t" ${attributes}/>`))).toMatchObject(expected);
  });

  // @verifies AC-runners-report-says-worst
  it.each([
    ['errors="1"', { failures: ['s'] }],
    ['failures="1" tests="1"', { failures: ['s'] }],
    ['tests="2"', { trouble: { reason: 'not-reported' } }],
    ['tests="many"', { trouble: { reason: 'not-reported' } }],
    ['tests="1" skipped="1"', { skipped: 1 }],
    ['tests="2" disabled="1"', { skipped: 1 }],
    ['tests="1" failures="0" errors="0" skipped="0" disabled="0"', { passed: 1, skipped: 0, failures: [] }],
  ])('believes the numbers of a suite: %s', async (attributes, expected) => {
    expect(await parse(suite(attributes, '<testcase name="t"/>'))).toMatchObject(expected);
  });

  // @verifies AC-runners-report-says-worst
  it('believes what stands in a suite and in no test', async () => {
    expect(await parse(suite('', '<error message="set-up died"/><testcase name="t"/>'))).toMatchObject({
      failures: ['s'],
      message: 's: set-up died',
    });
  });

  // @verifies AC-runners-report-says-worst
  it('takes the ways in which tools count tests', async () => {
    const right = [
      // node:test counts nested suites as tests; pytest counts skips, others do not.
      '<testsuites><testsuite name="a" tests="2"><testsuite name="b" tests="1"><testcase name="1"/></testsuite><testcase name="2"/></testsuite></testsuites>',
      '<testsuites tests="3"><testsuite name="a" tests="3"><testsuite name="b" tests="2"><testcase name="1"/><testcase name="2"/></testsuite><testcase name="3"/></testsuite></testsuites>',
      '<testsuite name="a" tests="1" skipped="1"><testcase name="1"/><testcase name="2"><skipped/></testcase></testsuite>',
      '<testsuite name="a" tests="2" skipped="1"><testcase name="1"/><testcase name="2"><skipped/></testcase></testsuite>',
    ];
    for (const text of right) {
      const counts = await parse(text);
      expect(counts, text).not.toHaveProperty('problem');
      expect(counts, text).not.toHaveProperty('trouble');
    }
  });

  // @verifies AC-runners-retry-is-flaky
  it('tells a pass after a retry from a failure after retries', async () => {
    expect(await parse(suite('', '<testcase name="t"><flakyFailure message="first"/></testcase>'))).toMatchObject({
      passed: 1,
      failures: [],
      flaky: 't passed after 1 failed: first',
    });
    expect(await parse(suite('', '<testcase name="t"><failure/><rerunFailure/></testcase>'))).toMatchObject({
      passed: 0,
      failures: ['t'],
    });
  });

  // @verifies AC-runners-unreadable-report
  it('believes no other document, and no document ends the run', async () => {
    const nested = (depth: number): string =>
      `<testsuites>${'<testsuite>'.repeat(depth)}<testcase name="t"/>${'</testsuite>'.repeat(depth)}</testsuites>`;
    const documents = [
      '',
      'x',
      '<a/>',
      '<testsuite>',
      '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
      '<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&x;"/></testsuite>',
      '<testsuite><!DOCTYPE t [<!ENTITY x "y">]><testcase name="&x;"/></testsuite>',
      '<testsuites><testsuite><testcase name="t"/></testsuite>',
      '<testsuites><testsuite><__proto__/></testsuite></testsuites>',
      nested(3000),
      nested(100_000),
    ];
    for (const text of documents) expect(await parse(text), text.slice(0, 80)).toHaveProperty('problem');
    expect(
      await parse(suite('', '<testcase name="t"><system-out><![CDATA[<!DOCTYPE html>]]></system-out></testcase>')),
    ).toMatchObject({ passed: 1 });
  });

  // @verifies AC-runners-unreadable-report
  it('reads a report in the encoding that it names, and refuses bytes that are none', async () => {
    const text = suite('', '<testcase name="é"/>');
    const declared = (name: string): string => `<?xml version="1.0" encoding="${name}"?>${text}`;
    const utf16 = Buffer.from(`\ufeff${declared('UTF-16')}`, 'utf16le');
    const latin = Buffer.from(declared('ISO-8859-1'), 'latin1');
    for (const bytes of [utf16, latin, Buffer.from(`\ufeff${text}`)])
      expect(await parseJunit(bytes)).toMatchObject({ passed: 1 });
    for (const bytes of [
      Buffer.from(text, 'latin1'),
      Buffer.from(declared('no-such-thing')),
      Buffer.from([0, 1, 2, 255]),
    ])
      expect(await parseJunit(bytes)).toHaveProperty('problem');
  });
});

// @verifies AC-runners-expected-report
describe('counts', () => {
  const counts = (passed: number, skipped = 0, failures: string[] = []): Parameters<typeof judgeCounts>[1] => ({
    passed,
    skipped,
    failures,
    message: '',
  });
  it.each([
    [counts(2), 0, {}, 'executed'],
    [counts(2), 1, {}, 'exit-code'],
    [counts(0), 0, {}, 'not-reported'],
    [counts(0), 5, {}, 'not-reported'],
    [counts(0, 3), 0, {}, 'runner-skipped'],
    [counts(2, 1), 0, {}, 'runner-skipped'],
    [counts(2, 1), 0, { min_executed: 2 }, 'executed'],
    [counts(2, 1), 0, { min_executed: 3 }, 'not-reported'],
    [counts(2, 0, ['x']), 0, {}, 'assertion'],
    [counts(2), 3, { exit: 3 }, 'executed'],
  ])('%j with exit code %i and %j', (given, code, expected, reason) => {
    expect(judgeCounts(makeCommand('x', { expect: expected }), given, code).reason).toBe(reason);
  });
});

describe('selectors', () => {
  // @verifies AC-run-selectors-are-exact
  it('are escaped and anchored for vitest', () => {
    const found = (path: string[], more = {}): ReturnType<typeof makeCase> =>
      makeCase('vitest', 'a.test.ts', path, { found: { ...more } });
    const pattern = new RegExp(
      namePattern([found(['s (x)', 'a.b*c']), found(['adds %i to $name.first'], { parametrised: true })]) ?? '',
    );
    expect(['s (x) a.b*c', 'adds 1 to Ann'].every((title) => pattern.test(title))).toBe(true);
    expect(
      ['s (x) a.b*c more', 'more s (x) a.b*c', 's x aXbc', 's (x) aXbYc', 'adds 1'].some((title) =>
        pattern.test(title),
      ),
    ).toBe(false);
    expect(namePattern([found(['x']), found(['`${name}`'], { dynamic: true })])).toBeNull();
    expect(namePattern([makeCase('vitest', 'a.test.ts', [])])).toBeNull();
  });

  it('are escaped and anchored for go, level by level', () => {
    const wanted = ['TestA', 'TestB/a.b|c/d', 'TestA'].map((name) => ({ name, isFamily: false }));
    expect(runPattern(wanted)).toBe('^TestA$|^TestB$/^a\\.b\\|c$/^d$');
    expect(goTestName('two words\tand \u0001')).toBe('two_words_and_\\x01');
  });
});

// @verifies AC-runners-go-finished
describe('go events', () => {
  const event = (fields: Record<string, unknown>): string => JSON.stringify({ Package: 'p', ...fields });
  it('give a pass only for one start and one end', () => {
    const state = (...actions: string[]): string | undefined => {
      const reports = new GoReports();
      for (const action of actions)
        reports.take(event({ Action: action, Test: 'TestX', Time: '2026-01-01T00:00:00Z' }));
      return reports.reports('TestX', 'x_test.go')[0]?.state;
    };
    expect(state('run', 'pass')).toBe('passed');
    expect(state('pass')).toBe('unfinished');
    expect(state('run', 'pass', 'pass')).toBe('unfinished');
    expect(state('run', 'pass', 'fail')).toBe('failed');
    expect(state('run')).toBe('unfinished');
    expect(state()).toBeUndefined();
  });
});

describe('package scripts', () => {
  it('say with which loaders the project runs its tests', () => {
    expect(optionsOfScript('node --import tsx --test "test/**/*.test.ts"')).toEqual(['--import', 'tsx']);
    expect(
      optionsOfScript('tsc && node --test --test-reporter=spec --enable-source-maps --require=./setup.cjs'),
    ).toEqual(['--enable-source-maps', '--require=./setup.cjs']);
    expect(optionsOfScript('npx tsx --test')).toEqual(['--import', 'tsx']);
    expect(optionsOfScript('node server.js')).toBeNull();
  });
});

/** What is found without running anything, against what the real runners report. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FoundTest } from '../../src/model/index.js';
import { scan, ScanCache } from '../../src/scan/index.js';
import { listFiles } from '../../src/sources/index.js';
import { capture } from '../../src/util/process.js';

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{"type":"module","devDependencies":{"vitest":"4"}}',
  'vitest/titles.ts':
    "export const TITLE = 'imported';\nexport enum Names { Hit = 'a hit' }\nexport default class Widget {}\n",
  'vitest/helpers.ts': `import { it as base, describe } from 'vitest';
export const check = (title: string, body: () => void) => base('checks ' + title, body);
export function group(title: string, body: () => void) {
  describe(title, () => {
    body();
  });
}
export function shared(name: string) {
  describe(name, () => {
    base('always', () => {});
    base.skip('never', () => {});
  });
}
export function rows(name: string, values: readonly number[]) {
  describe(name, () => {
    base.each(values)('row %i', () => {});
  });
}
export const extended = base.extend<{ a: number }>({ a: 1 });
`,
  'vitest/all.test.ts': `import { describe, it, test, suite, it as spec, expect } from 'vitest';
import * as v from 'vitest';
import { TITLE, Names } from './titles';
import Widget from './titles';
import { check, group, shared, rows, extended } from './helpers';

const LOCAL = 'local';
function local(title: string) {
  it(\`local \${title}\`, () => {});
}
type Lines = { gone: string };

it('plain', () => {});
it(
  'over lines',
  () => {},
);
it.skip('skipped', () => {});
it.todo('later');
it('no body');
it.skipIf(true)('skip if', () => {});
it.runIf(true)('run if', () => {});
it.each([
  1,
  2,
])('each %i', (n: number) => { expect(n).toBe(n); });
it
  .concurrent
  .skipIf(false)
  ('chained', () => {});
it
  .fails(
    'fails', () => { throw new Error('as it should'); });
describe.each(['x', 'y'])('suite %s', () => {
  it.for([1, 2])(
    'for %i', () => {});
  it('child', () => {});
});
suite('suite', { concurrent: true }, () => {
  test('in suite', { timeout: 1000 }, () => {});
  describe.skip('inner', () => {
    it('inherits', () => {});
  });
});
it(TITLE, () => {});
it(\`\${LOCAL} \${Names.Hit}\`, () => {});
it('a ' + 'sum', () => {});
describe(Widget, () => {
  spec('renamed', () => {});
});
v.it('namespace', () => {});
local('one');
check('two', () => {});
group('grouped', () => {
  test('three', () => {});
});
shared('shared');
describe('around', () => {
  rows('rows', [1, 2]);
  check('inside', () => {});
});
extended('extended', ({ a }) => { expect(a).toBe(1); });
extended.skip('extended skip', () => {});
for (const n of [1, 2]) it(\`loop \${n}\`, () => {});
if (true as boolean) it('conditional', () => {});
it('  spaces   kept ', () => {});
it('quotes \\' " \\\` > and \\u00e9 \\n line', () => {});
it('skips itself', (context) => { context.skip(); });
`,
  'vitest/plain.test.js': `import { describe, it, expect } from 'vitest';

it.each\`
  a | b
  \${1} | \${2}
\`('table $a', ({ a }) => { expect(a).toBe(1); });
it
  .each([1])
  (
  'paren %i', () => {});
describe('d', () => {
  it.each([[1,
    2]])('rows %i', () => {});
});
`,
  'node/helpers.mjs': "import test from 'node:test';\nexport function check(title, body) {\n  test(title, body);\n}\n",
  'node/all.test.mjs': `import test, { describe, it, suite } from 'node:test';
import { check } from './helpers.mjs';

function local(title) {
  it(title, () => {});
}
test('plain', () => {});
test(
  'over lines', { timeout: 1000 },
  () => {});
test.skip('skipped', () => {});
test('option', { todo: true }, () => {});
describe('suite', () => {
  it
    .todo
    ('later', () => {});
  it('in', () => {});
  describe.skip('inner', () => { it('never', () => {}); });
});
test('parent', async (t) => {
  await t.test('child', async (u) => {
    await u.test('grandchild', () => {});
  });
  await test('nested', () => {});
});
local('local');
check('helper', () => {});
test(function named() {});
test('skips itself', (t) => { t.skip('why'); });
suite('second', () => { test('x'); });
`,
};

interface Reported {
  readonly path: readonly string[];
  readonly file: string;
  readonly line: number | null;
  readonly ran: boolean;
}

let root: string;
let tests: readonly FoundTest[];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'coherence-agreement-'));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await mkdir(join(root, 'node_modules'));
  await symlink(resolve('node_modules/vitest'), join(root, 'node_modules/vitest'));
  tests = (
    await scan({ root, files: await listFiles(root), cache: ScanCache.open(root, null), scanAll: true })
  ).files.flatMap((file) => file.tests);
});
afterAll(async () => rm(root, { recursive: true, force: true }));

const key = (test: Pick<FoundTest, 'path'>): string => JSON.stringify(test.path);

/** Every exact report has its found test at that line, and every exact found test its report. */
function compare(
  found: readonly FoundTest[],
  reported: readonly Reported[],
  leavesOut: (test: FoundTest) => boolean = () => false,
): void {
  const exact = found.filter((test) => test.kind === 'case' && !test.dynamic && !test.parametrised);
  const byPath = new Map(exact.map((test) => [key(test), test]));
  const loose = found.filter((test) => test.kind === 'case' && (test.dynamic || test.parametrised));
  const unknown: string[] = [];
  for (const report of reported) {
    const test = byPath.get(key(report));
    const at = (candidate: FoundTest): boolean => {
      const place = candidate.reportedAt ?? { file: candidate.file, line: candidate.line };
      return place.file === report.file && place.line === report.line;
    };
    if (test === undefined ? !loose.some(at) : !at(test)) unknown.push(`${report.file}:${report.line} ${key(report)}`);
    const mayRun = test?.skip !== 'skip' && test?.skip !== 'todo';
    const mustRun = test !== undefined && test.skip === undefined;
    if ((report.ran && !mayRun) || (!report.ran && mustRun))
      unknown.push(`${key(report)} is marked ${test?.skip ?? 'as nothing'}, but ${report.ran ? 'ran' : 'did not run'}`);
  }
  expect(unknown).toEqual([]);
  const paths = new Set(reported.map((report) => key(report)));
  expect(exact.filter((test) => !paths.has(key(test)) && !leavesOut(test)).map(key)).toEqual([]);
  expect(exact.length).toBeGreaterThan(5);
}

// @verifies AC-scan-agrees-with-vitest
it('agrees with vitest on file, line and title path of every test', async () => {
  const out = join(root, 'vitest.json');
  await capture({
    command: [
      process.execPath,
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--root',
      root,
      '--dir',
      'vitest',
      '--reporter=json',
      `--outputFile=${out}`,
      '--includeTaskLocation',
    ],
    cwd: root,
    timeoutMs: 120_000,
  });
  const report = JSON.parse(await readFile(out, 'utf8')) as {
    readonly testResults: readonly {
      readonly name: string;
      readonly assertionResults: readonly {
        readonly ancestorTitles: readonly string[];
        readonly title: string;
        readonly status: string;
        readonly location?: { readonly line: number };
      }[];
    }[];
  };
  const reported = report.testResults.flatMap((file) =>
    file.assertionResults.map((result) => ({
      path: [...result.ancestorTitles, result.title],
      file: file.name.slice(file.name.indexOf('vitest/')),
      line: result.location?.line ?? null,
      ran: result.status === 'passed' || result.status === 'failed',
    })),
  );
  expect(reported.length).toBeGreaterThanOrEqual(40);
  expect(reported.filter((report) => report.line === null).map(key)).toEqual([
    '["shared","always"]',
    '["shared","never"]',
    '["around","rows","row 1"]',
    '["around","rows","row 2"]',
  ]);
  compare(
    tests.filter((test) => test.framework === 'vitest'),
    reported,
  );
});

// @verifies AC-scan-agrees-with-node-test
it('agrees with node:test on file, line and title path of every test', async () => {
  const reporter = join(root, 'reporter.mjs');
  await writeFile(
    reporter,
    "export default async function* (events) { for await (const { type, data } of events) if (type === 'test:start' || type === 'test:pass' || type === 'test:fail') yield JSON.stringify({ type, ...data }) + '\\n'; }",
  );
  const answer = await capture({
    command: [process.execPath, '--test', `--test-reporter=${reporter}`, join(root, 'node/all.test.mjs')],
    cwd: root,
    timeoutMs: 60_000,
  });
  const stack: string[] = [];
  const reported: Reported[] = [];
  for (const line of answer.stdout.trim().split('\n')) {
    const event = JSON.parse(line) as {
      readonly type: string;
      readonly name: string;
      readonly nesting: number;
      readonly file?: string;
      readonly line?: number;
      readonly skip?: unknown;
      readonly todo?: unknown;
      readonly details?: { readonly type?: string };
    };
    if (event.type === 'test:start') {
      stack.length = event.nesting;
      stack.push(event.name);
      continue;
    }
    if (event.details?.type === 'suite') continue;
    const path = [...stack.slice(0, event.nesting), event.name];
    reported.push({
      path,
      file: event.file?.slice(event.file.indexOf('node/')) ?? '',
      line: event.line ?? 0,
      ran: event.skip === undefined && event.todo === undefined,
    });
  }
  expect(reported.length).toBeGreaterThan(12);
  // node:test does not even look into a suite that is skipped.
  compare(
    tests.filter((test) => test.framework === 'node-test'),
    reported,
    (test) => test.skip === 'skip' && test.path.length > 1,
  );
});

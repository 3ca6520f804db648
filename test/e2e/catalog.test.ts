/** The public acceptance checks of catalog, import, export and verification, from the command line (CB-01 to CB-24). */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckRecord, RunRecord } from '../../src/model/index.js';
import { processesWithNonce } from '../../src/util/process.js';
import { ROOT, specFile, testProject, verdicts, type TestProject } from '../rig/project.js';

let project: TestProject;
beforeEach(async () => {
  project = await testProject();
});
afterEach(async () => project[Symbol.asyncDispose]());
const c = async (...args: string[]) => project.coherence(args);
const firstCheck = (record: RunRecord, id: string): CheckRecord | undefined =>
  record.specs.flatMap((spec) => spec.criteria).find((criterion) => criterion.id === id)?.checks[0];

describe('commands', () => {
  // @verifies AC-cli-acceptance
  it('CB-01: help goes to standard output, an unknown word is a usage error', async () => {
    for (const args of [[], ['help'], ['--help']])
      expect(await c(...args)).toMatchObject({ code: 0, out: expect.stringContaining('verify-spec SPEC-id') });
    expect(await c('frobnicate')).toMatchObject({ code: 64, out: '', err: expect.stringContaining('frobnicate') });
  });

  // @verifies AC-cli-acceptance
  it('CB-02, CB-03: adds by slug with documented defaults and prints ids that work in the next command', async () => {
    const spec = await c('spec', 'add', '--slug', 'product/payment-api', '--title', 'Payment API');
    expect(spec).toMatchObject({ code: 0, out: 'SPEC-product-payment-api\n' });
    const shown = (await c('spec', 'show', spec.out.trim(), '--json')).json<Record<string, unknown>>();
    expect(shown).toMatchObject({
      title: 'Payment API',
      slug: 'product/payment-api',
      level: 'module',
      status: 'active',
    });
    const ac = await c(
      'ac',
      'add',
      '--spec',
      spec.out.trim(),
      '--slug',
      'refund',
      '--title',
      'A refund is booked once',
      '--risk',
      'high',
    );
    expect(ac).toMatchObject({ code: 0, out: 'AC-product-payment-api-refund\n' });
    expect((await c('ac', 'link', ac.out.trim(), '--run', 'true')).code).toBe(0);
    expect((await c('verify', spec.out.trim())).code).toBe(0);
  });

  // @verifies AC-cli-acceptance
  it('CB-04, CB-05, CB-06: what exists is not overwritten, what is unknown is named', async () => {
    await c('spec', 'add', '--slug', 's', '--title', 'First');
    expect(await c('spec', 'add', '--slug', 's', '--title', 'Second')).toMatchObject({
      code: 64,
      err: expect.stringContaining('SPEC-s'),
    });
    expect((await c('spec', 'show', 'SPEC-s', '--json')).json<{ title: string }>().title).toBe('First');
    const before = (await c('ac', 'list', '--json')).out;
    expect(await c('ac', 'add', '--spec', 'SPEC-none', '--slug', 'a', '--title', 'x')).toMatchObject({
      code: 66,
      err: expect.stringContaining('SPEC-none'),
    });
    expect((await c('ac', 'list', '--json')).out).toBe(before);
    expect((await c('ac', 'add', '--spec', 'SPEC-s', '--slug', 'a', '--title', 'x')).code).toBe(0);
    for (const slug of ['a', 'A'])
      expect(await c('ac', 'add', '--spec', 'SPEC-s', '--slug', slug, '--title', 'y')).toMatchObject({
        code: 64,
        err: expect.stringContaining('AC-s-a'),
      });
    await c('spec', 'add', '--slug', 't', '--title', 'T');
    expect((await c('ac', 'add', '--spec', 'SPEC-t', '--slug', 'a', '--title', 'x')).code).toBe(0);
  });

  // @verifies AC-cli-acceptance
  it('CB-07: bad values list what is allowed and store nothing', async () => {
    await c('spec', 'add', '--slug', 's', '--title', 'S');
    const cases: [string[], string][] = [
      [['spec', 'add', '--slug', 'n', '--title', 'x', '--level', 'sky'], 'foundation'],
      [['spec', 'add', '--slug', 'n', '--title', 'x', '--status', 'done'], 'retired'],
      [['ac', 'add', '--spec', 'SPEC-s', '--slug', 'n', '--title', 'x', '--review', 'eye'], 'hybrid'],
      [['ac', 'add', '--spec', 'SPEC-s', '--slug', 'n', '--title', 'x', '--risk', 'huge'], 'critical'],
      [['ac', 'add', '--spec', 'SPEC-s', '--slug', 'n', '--title', 'x', '--concern', 'speed'], 'performance'],
      [['spec', 'add', '--slug', 'n', '--title', 'x', '--lvel', 'module'], '--level'],
      [['spec', 'add', 'surplus', '--slug', 'n', '--title', 'x'], 'surplus'],
    ];
    for (const [args, text] of cases)
      expect([args.join(' '), await c(...args)]).toEqual([
        args.join(' '),
        expect.objectContaining({ code: 64, out: '', err: expect.stringContaining(text) }),
      ]);
    expect((await c('spec', 'list', '--json')).json<{ specs: unknown[] }>().specs).toHaveLength(1);
    expect((await c('ac', 'list', '--json')).json<{ criteria: unknown[] }>().criteria).toHaveLength(0);
  });

  // @verifies AC-cli-values-verbatim
  it('CB-08, CB-09: titles are stored exactly, and lists are one sorted JSON document', async () => {
    const titles = [
      '-x',
      'tab\there',
      'line\nfeed',
      'quote " and \' and \\',
      'emoji 🎉 é',
      '1.10',
      '  spaces  ',
      '# not a comment',
      'colon: and - dash',
      '\u001b[31mred',
    ];
    await c('spec', 'add', '--slug', 's', '--title', 'S');
    for (const [i, title] of titles.entries())
      expect([
        title,
        (await c('ac', 'add', '--spec', 'SPEC-s', '--slug', `n${9 - i}`, `--title=${title}`)).code,
      ]).toEqual([title, 0]);
    const listed = (await c('ac', 'list', '--json')).json<{ criteria: { id: string; title: string }[] }>().criteria;
    expect(listed.map((item) => item.id)).toEqual(titles.map((_title, i) => `AC-s-n${9 - i}`).sort());
    expect(listed.map((item) => item.title).sort()).toEqual([...titles].sort());
    expect((await c('ac', 'list')).out).not.toContain('\u001b');
  });
});

describe('verification', () => {
  // @verifies AC-cli-main-job
  it('CB-10, CB-11: one line a criterion, the exit code of the failing one, and the rest still runs', async () => {
    await project.write({
      'specs/s.yaml': specFile('SPEC-s', {
        'AC-s-a': 'verified_by:\n  - run: exit 0',
        'AC-s-b': 'verified_by:\n  - run: echo why; exit 3',
        'AC-s-c': '',
        'AC-s-d': 'verified_by:\n  - run: touch later',
      }),
    });
    const text = await c('verify', 'SPEC-s');
    expect(text.code).toBe(1);
    for (const line of [/PASS +AC-s-a/, /FAIL +AC-s-b.*\n.*exit code 3/, /SKIP +AC-s-c .*no-link/, /PASS +AC-s-d/])
      expect(text.out).toMatch(line);
    expect(existsSync(join(project.root, 'later'))).toBe(true);
    const { record } = await project.verify(['SPEC-s', '--no-cache']);
    const { pass, fail, skip, error } = record.summary;
    expect([pass, fail, skip, error]).toEqual([2, 1, 1, 0]);
    expect(firstCheck(record, 'AC-s-b')).toMatchObject({ exit_code: 3, proof: 'exit-code', reason: 'exit-code' });
  });

  // @verifies AC-cli-acceptance
  it('CB-12, CB-14: only SKIPs is "0 verified", never passed, and strict fails; a gap carries its reason', async () => {
    await project.write({
      'specs/s.yaml': specFile('SPEC-s', { 'AC-s-a': 'gap: the machine is not built yet', 'AC-s-b': 'review: manual' }),
    });
    const answer = await c('verify', 'SPEC-s');
    expect(answer).toMatchObject({ code: 0, out: expect.stringContaining('0 verified') });
    expect(answer.out).toContain('the machine is not built yet');
    expect(answer.out).not.toMatch(/all \d+ verified|passed/);
    expect((await c('verify', 'SPEC-s', '--strict')).code).toBe(1);
    const coverage = (await c('coverage', '--json')).json<{
      total: { traced: number; passed: number; skips: Record<string, number> };
    }>();
    expect(coverage.total).toMatchObject({ traced: 0, passed: 0, skips: { gap: 1, manual: 1 } });
  });

  // @verifies AC-cli-acceptance
  it('CB-13, CB-15: unknown ids are not found; a deleted test file is a dangling link beside tests that run', async () => {
    await project.write({
      'specs/s.yaml': specFile('SPEC-s', {
        'AC-s-a': 'verified_by:\n  - test: tests/gone.test.ts > x',
        'AC-s-b': 'verified_by:\n  - run: exit 0',
      }),
    });
    for (const id of ['SPEC-none', 'AC-none'])
      expect(await c('verify', id)).toMatchObject({ code: 66, err: expect.stringContaining('not found') });
    const { code, record } = await project.verify();
    expect(verdicts(record)).toEqual({ 'AC-s-a': 'ERROR(dangling-link)', 'AC-s-b': 'PASS(exit-code)' });
    expect(code).toBe(2);
    expect(JSON.stringify(record)).toContain('tests/gone.test.ts');
  });

  // @verifies AC-verdicts-early-exit
  it('CB-16: a time-out is FAIL(timeout) and leaves no child or grandchild', async () => {
    await project.write({
      'slow.sh':
        '#!/bin/sh\ntrap "" TERM\nsetsid sleep 600 &\nsleep 600 &\necho $COHERENCE_RUN_NONCE > nonce\nsleep 600\n',
      'specs/s.yaml': specFile('SPEC-s', { 'AC-s-a': 'verified_by:\n  - run: ./slow.sh\n    timeout: 2s' }),
    });
    const { record, code } = await project.verify();
    expect([code, verdicts(record)]).toEqual([1, { 'AC-s-a': 'FAIL(timeout)' }]);
    const nonces = (await project.read('nonce')).trim().split(',');
    expect(processesWithNonce(nonces.at(-1) ?? 'none')).toEqual([]);
  });

  // @verifies AC-cli-acceptance
  it('CB-17: an unmet requirement is a SKIP that names it; met, the test runs', async () => {
    await project.write({
      'specs/s.yaml': specFile('SPEC-s', {
        'AC-s-a':
          'verified_by:\n  - run: echo "key is $STRIPE_KEY"; test ${#STRIPE_KEY} = 13\n    requires: ["env:STRIPE_KEY"]',
        'AC-s-b': 'verified_by:\n  - run: exit 0\n    requires: ["bin:no-such-program"]',
      }),
    });
    expect(verdicts((await project.verify()).record)).toEqual({
      'AC-s-a': 'SKIP(unavailable:env:STRIPE_KEY)',
      'AC-s-b': 'SKIP(unavailable:bin:no-such-program)',
    });
    expect((await c('verify', '--strict')).code).toBe(1);
    const met = await project.verify([], { env: { STRIPE_KEY: 'hush-hush-key' } });
    expect(verdicts(met.record)['AC-s-a']).toBe('PASS(exit-code)');
    expect(await project.read(`.coherence/runs/${met.record.run}/run.json`)).not.toContain('hush-hush-key');
    expect(await project.read(firstCheck(met.record, 'AC-s-a')?.output ?? '')).toBe('key is ***\n');
    expect((await project.coherence(['verify', '--require', 'cargo'], { env: { PATH: '/nowhere' } })).code).toBe(69);
  });

  // @verifies AC-verdicts-evidence-whole
  it('CB-18: evidence holds status, exit code, command, duration, commit and an output whose hash is recorded', async () => {
    await project.write({
      'specs/s.yaml': specFile('SPEC-s', { 'AC-s-a': 'verified_by:\n  - run: echo hello; exit 3' }),
    });
    const commit = await project.commit();
    const { record } = await project.verify();
    const check = firstCheck(record, 'AC-s-a');
    expect(check).toMatchObject({ verdict: 'FAIL', exit_code: 3, source_hash: record.source.tree });
    expect(check?.command.length).toBeGreaterThan(0);
    expect(record.source).toMatchObject({ commit, dirty: false });
    const output = join(project.root, check?.output ?? '');
    const bytes = await readFile(output);
    expect(bytes.toString()).toBe('hello\n');
    expect(`${check?.output_sha256}`.replace('sha256:', '')).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect((await stat(output)).mode & 0o077).toBe(0);
    await project.verify();
    expect((await readFile(output)).equals(bytes)).toBe(true);
    expect((await c('runs', 'list', '--json')).json<{ runs: unknown[] }>().runs).toHaveLength(2);
  });

  // @verifies AC-verdicts-tracked-evidence
  it('never reads evidence that git tracks', async () => {
    await project.write({ 'specs/s.yaml': specFile('SPEC-s', { 'AC-s-a': 'verified_by:\n  - run: exit 1' }) });
    const { record } = await project.verify();
    await project.git('add', '-f', '.coherence/runs');
    await project.git('commit', '-qm', 'forged');
    expect((await c('runs', 'show', record.run)).code).toBe(65);
    expect((await c('coverage', '--json')).json<{ total: { executed: number } }>().total.executed).toBe(0);
  });

  // @verifies AC-verdicts-evidence-whole
  it('an interruption ends what runs and leaves a whole record', async () => {
    await project.write({
      'specs/s.yaml': specFile('SPEC-s', {
        'AC-s-a': 'verified_by:\n  - run: exit 0',
        'AC-s-b': 'verified_by:\n  - run: touch started; sleep 600',
      }),
    });
    let pid = 0;
    const changes = watch(project.root);
    const running = project.coherence(['verify', '--json', '--verbose', '--jobs', '1'], {
      onStart: (started) => void (pid = started),
    });
    for await (const event of changes) if (event.filename === 'started') break;
    process.kill(pid, 'SIGINT');
    const answer = await running;
    expect(answer.code).toBe(130);
    expect(verdicts(answer.json<RunRecord>())).toEqual({ 'AC-s-a': 'PASS(exit-code)', 'AC-s-b': 'ERROR(canceled)' });
  });
});

describe('import and export', () => {
  // @verifies AC-catalog-relations
  it('a relation to a spec that does not exist is an error of check and import, at its own line', async () => {
    const head = 'id: SPEC-a\ntitle: A\nlevel: module\nstatus: active\n';
    await project.write({
      'specs/a.yaml': `${head}depends_on: [SPEC-a, SPEC-nowhere]\nconstrained_by:\n  - SPEC-b\n  - SPEC-c\n`,
      'specs/b.yaml': head.replace('SPEC-a', 'SPEC-b'),
    });
    const checked = await c('check');
    expect(checked.code).toBe(1);
    expect(checked.out + checked.err).toMatch(/specs\/a\.yaml:5:22: error: .*SPEC-nowhere.*\[unknown-id\]/u);
    expect(checked.out + checked.err).toMatch(/specs\/a\.yaml:8:5: error: .*SPEC-c.*\[unknown-id\]/u);
    await project.write({ 'more.yaml': `${head.replace('SPEC-a', 'SPEC-d')}depends_on: [SPEC-e]\n` });
    expect(await c('import', 'more.yaml')).toMatchObject({ code: 65, err: expect.stringContaining('"SPEC-e"') });
    await project.write({ 'more.yaml': `${head.replace('SPEC-a', 'SPEC-d')}depends_on: [SPEC-b]\n` });
    expect((await c('import', 'more.yaml')).code).toBe(0);
  });

  // @verifies AC-catalog-bytes
  it('what is no UTF-8 is refused, from a file and from the command line, and nothing is stored', async () => {
    await project.write({ 'specs/a.yaml': specFile('SPEC-a', { 'AC-a': '' }) });
    const before = await project.read('specs/a.yaml');
    const record = { type: 'spec', slug: 'b', description: '', level: 'module', status: 'active' };
    const line = JSON.stringify({ ...record, id: 'SPEC-b', title: 'caf\u00e9', created_at: '', updated_at: '' });
    await writeFile(join(project.root, 'bad.jsonl'), Buffer.from(`${line}\n`, 'latin1'));
    await writeFile(join(project.root, 'bad.yaml'), Buffer.from(before.replace('title: ', 'title: \u00e9'), 'latin1'));
    for (const [file, at] of [
      ['bad.jsonl', 'bad.jsonl:1:'],
      ['bad.yaml', 'bad.yaml:2:8'],
    ] as const)
      expect(await c('import', file)).toMatchObject({ code: 65, err: expect.stringMatching(`${at}.*not valid UTF-8`) });
    const program = join(ROOT, 'bin', 'coherence.cjs');
    const shell = await project.run([
      'sh',
      '-c',
      `"${process.execPath}" "${program}" spec edit SPEC-a --title "$(printf 'caf\\351')"`,
    ]);
    expect([shell.end.code, shell.stderr]).toEqual([64, expect.stringContaining('not valid UTF-8')]);
    expect((await c('spec', 'edit', 'SPEC-a', '--slug', '\ufffd')).err).not.toContain('UTF-8');
    expect(await project.read('specs/a.yaml')).toBe(before);
    expect((await c('spec', 'list')).out).not.toContain('SPEC-b');
  });

  const corpus = join(ROOT, '../shared/cases/bootstrap-specs.jsonl');

  // @verifies AC-cli-acceptance
  it.skipIf(!existsSync(corpus))(
    'CB-20, CB-21, CB-22: the real corpus comes in and goes out line for line, and twice changes nothing',
    async () => {
      const dry = await c('import', corpus, '--from', 'bootstrap-jsonl', '--dry-run');
      expect(dry).toMatchObject({ code: 0 });
      expect((await c('spec', 'list', '--json')).json<{ specs: unknown[] }>().specs).toHaveLength(0);
      expect((await c('import', corpus, '--from', 'bootstrap-jsonl')).code).toBe(0);
      expect((await c('spec', 'list', '--json')).json<{ specs: unknown[] }>().specs).toHaveLength(39);
      expect((await c('ac', 'list', '--json')).json<{ criteria: unknown[] }>().criteria).toHaveLength(235);
      expect((await c('export', '--format', 'jsonl')).out).toBe(await readFile(corpus, 'utf8'));
      const again = await c('import', corpus, '--from', 'bootstrap-jsonl');
      expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/0 created.*0 changed/) });
    },
  );

  // @verifies AC-cli-acceptance
  it('CB-19, CB-23, CB-24: exports twice alike; a bad line names itself and stores nothing; another project gets the same', async () => {
    await project.write({
      'specs/s.yaml': specFile('SPEC-s', {
        'AC-s-a': 'verified_by:\n  - run: exit 0',
        'AC-s-b': 'risk: high\nconcerns: [security, correctness]',
      }),
    });
    const first = await c('export', '--format', 'jsonl');
    expect(first.out).toBe((await c('export', '--format', 'jsonl')).out);
    expect(first.out.endsWith('\n')).toBe(true);
    await using other = await testProject();
    await other.write({
      'good.jsonl': first.out,
      'bad.jsonl': `${first.out.split('\n').slice(0, 2).join('\n')}\n{ broken\n`,
    });
    expect(await other.coherence(['import', 'bad.jsonl'])).toMatchObject({
      code: 65,
      err: expect.stringContaining('bad.jsonl:3'),
    });
    expect((await other.coherence(['spec', 'list', '--json'])).json<{ specs: unknown[] }>().specs).toHaveLength(0);
    expect((await other.coherence(['import', 'good.jsonl'])).code).toBe(0);
    expect((await other.coherence(['export', '--format', 'jsonl'])).out).toBe(first.out);
    expect(verdicts((await other.verify()).record)).toEqual({ 'AC-s-a': 'PASS(exit-code)', 'AC-s-b': 'SKIP(no-link)' });
  });
});

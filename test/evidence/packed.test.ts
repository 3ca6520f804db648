import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRunFolder, packRecord, readRun, unpackRecord } from '../../src/evidence/index.js';
import type { CheckRecord, RunRecord } from '../../src/model/index.js';
import { sha256File } from '../../src/util/hash.js';
import { record as recordOf } from '../store/record.js';

const RUN = '01M8KZZSY09RGHE0NJ17D64HHX';
const COMMAND = ['vitest', ...Array.from({ length: 2000 }, (_item, i) => `test/a.test.ts > behaviour ${i} holds`)];
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** A record of many checks: most of one batch, some commands, some that failed or did not run. */
function recordOfMany(count: number): RunRecord {
  const base = recordOf(RUN, 'PASS', 'c'.repeat(40));
  const spec = base.specs[0];
  const criterion = spec?.criteria[0];
  const check = criterion?.checks[0];
  if (spec === undefined || criterion === undefined || check === undefined) throw new Error('no check');
  const checkOf = (i: number): CheckRecord => ({
    ...check,
    link: `test/a.test.ts > behaviour ${i} holds`,
    command: COMMAND,
    started_at: `2026-11-29T15:50:1${i % 10}.161Z`,
    ended_at: `2026-11-29T15:50:1${i % 10}.162Z`,
    output: `.coherence/runs/${RUN}/vitest-1.stdout`,
    ...(i % 5 === 1
      ? ({
          runner: 'command',
          kind: 'run',
          link: `test ${i}`,
          command: ['sh', '-c', `test ${i}`],
          env: { COHERENCE_AC_ID: `AC-a-${i}` },
          output: `.coherence/runs/${RUN}/c${i}.stdout`,
          output_sha256: EMPTY,
          stderr: `.coherence/runs/${RUN}/c${i}.stderr`,
          stderr_sha256: EMPTY,
        } as const)
      : {}),
    ...(i % 7 === 2 ? ({ verdict: 'FAIL', reason: 'assertion', message: 'no', exit_code: 1 } as const) : {}),
    ...(i % 11 === 3
      ? ({
          verdict: 'SKIP',
          reason: 'manual',
          command: [],
          started_at: null,
          ended_at: null,
          output: null,
          output_sha256: null,
          proof: null,
        } as const)
      : {}),
  });
  return {
    ...base,
    specs: [
      {
        ...spec,
        criteria: Array.from({ length: count }, (_item, i) => ({
          ...criterion,
          id: `AC-a-${i}`,
          checks: [checkOf(i)],
        })),
      },
    ],
  };
}

describe('the record on disk', () => {
  // @verifies AC-verdicts-record-is-small
  it.each([0, 3, 50, 51, 700])('is the same record again, of %i checks', (count) => {
    const record = recordOfMany(count);
    const text = JSON.stringify(packRecord(record));
    expect(unpackRecord(JSON.parse(text))).toEqual(record);
  });

  // @verifies AC-verdicts-record-is-small
  it('has what a batch has in common once', () => {
    expect(JSON.stringify(packRecord(recordOfMany(1000))).length).toBeLessThan(700_000);
    expect(JSON.stringify(packRecord(recordOfMany(1000))).split('behaviour 1999 holds').length - 1).toBeLessThanOrEqual(
      2,
    );
  });
});

describe('the evidence folder', () => {
  let root = '';
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'coherence-runs-')));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const anybody = async (): Promise<boolean> => false;

  // @verifies AC-verdicts-record-is-small
  it('packs outputs of passing checks when they are many, and keeps those of the others as they are', async () => {
    const folder = await openRunFolder(root, RUN);
    const record = recordOfMany(700);
    const names =
      record.specs[0]?.criteria.flatMap((item) =>
        item.checks.flatMap((one) => (one.runner === 'command' && one.output !== null ? [one] : [])),
      ) ?? [];
    for (const check of names)
      writeFileSync(join(folder.folder, (check.output ?? '').split('/').at(-1) ?? ''), `said by ${check.link}\n`);
    const sha256 = await sha256File(join(folder.folder, 'c1.stdout'));
    await folder.publish(record);
    const final = join(root, '.coherence/runs', RUN);
    const failed = names
      .filter((check) => check.verdict === 'FAIL')
      .map((check) => (check.output ?? '').split('/').at(-1));
    expect(readdirSync(final).toSorted()).toEqual(['outputs.tar.gz', 'run.json', ...failed].toSorted());
    execFileSync('tar', ['-xzf', 'outputs.tar.gz'], { cwd: final });
    expect(readFileSync(join(final, 'c1.stdout'), 'utf8')).toBe('said by test 1\n');
    expect(await sha256File(join(final, 'c1.stdout'))).toBe(sha256);
    expect(await readRun(root, RUN, anybody)).toMatchObject({ ok: true, value: record });
  });

  // @verifies AC-verdicts-record-is-small
  it('reads records of schema 1 as before', async () => {
    const folder = await openRunFolder(root, RUN);
    const record = recordOfMany(3);
    await folder.publish(record);
    writeFileSync(join(root, '.coherence/runs', RUN, 'run.json'), JSON.stringify(record));
    expect(await readRun(root, RUN, anybody)).toMatchObject({ ok: true, value: record });
    writeFileSync(join(root, '.coherence/runs', RUN, 'run.json'), '{"schema":"coherence.verify/3"}');
    expect(await readRun(root, RUN, anybody)).toMatchObject({ ok: false });
  });
});

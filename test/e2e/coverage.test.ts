/** Every number of every coverage format against `verify --json` of the same run, read from the real outputs. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/model/index.js';
import { specFile, testProject, type TestProject } from '../rig/project.js';

const KEYS = ['specified', 'traced', 'executed', 'passed'] as const;
type Counts = Readonly<Record<(typeof KEYS)[number], number>>;
interface View {
  readonly total: Counts & {
    readonly failed: number;
    readonly error: number;
    readonly skips: Readonly<Record<string, number>>;
    readonly percent: Readonly<Record<string, number>>;
  };
  readonly levels: Readonly<Record<string, Counts>>;
  readonly specs: Readonly<Record<string, Counts>>;
  readonly risks: Readonly<Record<string, Counts>>;
  readonly owners: Readonly<Record<string, Counts>>;
  readonly retired: number;
  readonly criteria: readonly { readonly id: string; readonly verdict: string | null; readonly reason: string }[];
  readonly delta: {
    readonly counts: Counts;
    readonly lost: readonly string[];
    readonly gained: readonly string[];
  } | null;
  readonly trend: readonly {
    readonly run: string;
    readonly pass: number;
    readonly fail: number;
    readonly skip: number;
    readonly error: number;
  }[];
}

let project: TestProject;
beforeEach(async () => {
  const run = (name: string): string => `verified_by:\n  - run: ./${name}.sh`;
  project = await testProject({
    'specs/a.yaml': specFile(
      'SPEC-a',
      {
        'AC-a-one': `risk: high\n${run('yes')}`,
        'AC-a-two': run('no'),
        'AC-a-three': 'gap: later',
        'AC-a-four': `${run('yes')}\n    requires: [env:NEVER_SET_ANYWHERE]`,
        'AC-a-five': 'verified_by:\n  - run: ./yes.sh\n    in: docker',
      },
      'level: module\nstatus: active\nowner: crew',
    ),
    'specs/b.yaml': specFile(
      'SPEC-b',
      {
        'AC-b-one': `risk: critical\n${run('yes')}`,
        'AC-b-two': 'review: manual',
        'AC-b-three': '',
        'AC-b-four': `status: retired\n${run('yes')}`,
        'AC-b-five': 'verified_by:\n  - test: test/none.test.ts > nothing',
      },
      'level: product\nstatus: active',
    ),
    'specs/c.yaml': specFile(
      'SPEC-c',
      Object.fromEntries(Array.from({ length: 7 }, (_item, i) => [`AC-c-${i}`, run(i < 5 ? 'yes' : 'no')])),
    ),
    'yes.sh': '#!/bin/sh\nexit 0\n',
    'no.sh': '#!/bin/sh\necho broken\nexit 1\n',
  });
  await project.commit('start');
});
afterEach(async () => project[Symbol.asyncDispose]());

const criteriaOf = (record: RunRecord) =>
  record.specs.flatMap((spec) =>
    spec.criteria.map((criterion) => ({ ...criterion, spec: spec.id, level: spec.level })),
  );
const format = async (name: string, ...args: readonly string[]): Promise<string> => {
  const answer = await project.coherence(['coverage', '--format', name, ...args]);
  expect(answer.code, answer.err).toBe(0);
  return answer.out;
};
const view = async (...args: readonly string[]): Promise<View> => JSON.parse(await format('json', ...args)) as View;
/** One decimal, rounded down, as every format shows it. */
const percent = (part: number, of: number): string => (Math.floor((part / of) * 1000) / 10).toFixed(1);
const numbers = (counts: Counts): readonly number[] => KEYS.map((key) => counts[key]);

/** `name  12   9  75.0%   8  66.6%   7  58.3%` → name → its counts, with the percentages checked on the way. */
function textRows(text: string): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const line of text.split('\n')) {
    const match = /^(\S.*?)\s+(\d+)\s+(\d+)\s+([\d.]+)%\s+(\d+)\s+([\d.]+)%\s+(\d+)\s+([\d.]+)%$/u.exec(line);
    if (match === null) continue;
    const [specified, traced, executed, passed] = [match[2], match[3], match[5], match[7]].map(Number) as [
      number,
      number,
      number,
      number,
    ]; // four groups of digits
    expect([match[4], match[6], match[8]], line).toEqual(
      [traced, executed, passed].map((part) => percent(part, specified)),
    );
    found.set(match[1] ?? '', [specified, traced, executed, passed]);
  }
  return found;
}

/** `| name | 12 | 9 (75.0%) | … |` */
function markdownRows(text: string): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const match of text.matchAll(
    /^\| (\S.*?) \| (\d+) \| (\d+) \(([\d.]+)%\) \| (\d+) \(([\d.]+)%\) \| (\d+) \(([\d.]+)%\) \|$/gmu,
  )) {
    const [specified, traced, executed, passed] = [match[2], match[3], match[5], match[7]].map(Number) as [
      number,
      number,
      number,
      number,
    ]; // four groups of digits
    expect([match[4], match[6], match[8]]).toEqual([traced, executed, passed].map((part) => percent(part, specified)));
    found.set((match[1] ?? '').replaceAll('\\', ''), [specified, traced, executed, passed]);
  }
  return found;
}

function htmlRows(text: string): {
  readonly rows: Map<string, readonly number[]>;
  readonly total: readonly number[];
  readonly criteria: View['criteria'];
} {
  const plain = (cell: string): string => cell.replace(/<[^>]*>/gu, '').trim();
  const rows = new Map<string, readonly number[]>();
  for (const [, row] of text.matchAll(/<tr>(<td>.*?)<\/tr>/gu)) {
    const cells = (row ?? '').split('</td>').map(plain);
    const counts = cells.slice(1, 5).map((cell) => Number(cell.split(' ')[0]));
    cells
      .slice(2, 5)
      .forEach((cell, i) => expect(cell.split(' ')[1], row).toBe(`${percent(counts[i + 1] ?? 0, counts[0] ?? 0)}%`));
    rows.set(cells[0] ?? '', counts);
  }
  const head = /<ul class="numbers"[^>]*>(.*?)<\/ul>/su.exec(text)?.[1] ?? '';
  const total = [...head.matchAll(/<b>(\d+)<\/b>([\d.]+)%/gu)].map((match) => Number(match[1]));
  [...head.matchAll(/<b>(\d+)<\/b>([\d.]+)%/gu)].forEach((match) =>
    expect(match[2]).toBe(percent(Number(match[1]), total[0] ?? 0)),
  );
  const criteria = [...text.matchAll(/<script type="application\/json" data-criteria>(.*?)<\/script>/gsu)].flatMap(
    (match) => JSON.parse(match[1] ?? '[]') as View['criteria'],
  );
  return { rows, total, criteria };
}

/** The numbers that the record alone gives, counted here and not by the product. */
function fromRecord(record: RunRecord): {
  readonly total: View['total'];
  readonly verdicts: ReadonlyMap<string, string>;
} {
  const counted = criteriaOf(record).filter((criterion) => criterion.reason !== 'retired');
  const skips: Record<string, number> = {};
  for (const criterion of counted)
    if (criterion.verdict === 'SKIP') skips[criterion.reason] = (skips[criterion.reason] ?? 0) + 1;
  const of = (...verdicts: readonly string[]): number =>
    counted.filter((criterion) => verdicts.includes(criterion.verdict)).length;
  return {
    total: {
      specified: counted.length,
      traced: 0,
      executed: of('PASS', 'FAIL'),
      passed: of('PASS'),
      failed: of('FAIL'),
      error: of('ERROR'),
      skips,
      percent: {},
    },
    verdicts: new Map(counted.map((criterion) => [criterion.id, `${criterion.verdict}(${criterion.reason})`])),
  };
}

// @verifies AC-gate-numbers-agree
it('text, json, md, badge and html of a run agree with its record, in every number', async () => {
  const { record, code } = await project.verify();
  expect(code).toBe(1);
  const known = fromRecord(record);
  expect(record.summary).toMatchObject({ pass: 7, fail: 3, error: 1 });
  const json = await view();
  // The record's own counts against the four numbers.
  const { specified, executed, passed, failed, error, skips } = json.total;
  expect({ specified, executed, passed, failed, error, skips }).toEqual({
    specified: known.total.specified,
    executed: known.total.executed,
    passed: known.total.passed,
    failed: known.total.failed,
    error: known.total.error,
    skips: known.total.skips,
  });
  expect([passed, failed, error]).toEqual([record.summary.pass, record.summary.fail, record.summary.error]);
  expect(Object.values(skips).reduce((sum, value) => sum + value, 0) + json.retired).toBe(record.summary.skip);
  expect(specified + json.retired).toBe(
    record.summary.pass + record.summary.fail + record.summary.skip + record.summary.error,
  );
  expect(json.total.traced).toBeGreaterThanOrEqual(executed);
  expect(
    new Map(
      json.criteria
        .filter((criterion) => known.verdicts.has(criterion.id))
        .map((criterion) => [criterion.id, `${criterion.verdict}(${criterion.reason})`]),
    ),
  ).toEqual(known.verdicts);
  // Each grouping against the record.
  for (const spec of record.specs) {
    const counted = spec.criteria.filter((criterion) => criterion.reason !== 'retired');
    expect([json.specs[spec.id]?.specified, json.specs[spec.id]?.passed]).toEqual([
      counted.length,
      counted.filter((criterion) => criterion.verdict === 'PASS').length,
    ]);
  }
  // Each format against the json.
  const groups: Record<string, Counts> = {
    all: json.total,
    ...json.levels,
    ...json.specs,
    ...json.risks,
    ...json.owners,
  };
  const text = textRows(await format('text'));
  for (const [name, counts] of Object.entries(groups))
    if (name !== '') expect([name, text.get(name)]).toEqual([name, numbers(counts)]);
  const markdown = markdownRows(await format('md'));
  for (const [name, counts] of Object.entries({ all: json.total, ...json.levels, ...json.specs }))
    expect([name, markdown.get(name)]).toEqual([name, numbers(counts)]);
  const html = htmlRows(await format('html'));
  expect(html.total).toEqual(numbers(json.total));
  for (const [name, counts] of Object.entries({ ...json.levels, ...json.specs, ...json.risks, ...json.owners }))
    if (name !== '') expect([name, html.rows.get(name)]).toEqual([name, numbers(counts)]);
  expect(new Map(html.criteria.map((item) => [item.id, item.verdict]))).toEqual(
    new Map(json.criteria.map((item) => [item.id, item.verdict])),
  );
  expect(await format('badge')).toContain(`${passed}/${specified} (${percent(passed, specified)}%)`);
  // Skips beside the numbers, in the formats that show them.
  const shown = Object.entries(skips)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ');
  // The terminal's report wraps at 80 columns.
  expect((await format('text')).replaceAll(/\s+/gu, ' ')).toContain(`SKIP: ${shown}`);
  expect((await format('md')).replaceAll('\\', '')).toContain(`SKIP: ${shown}`);
  expect(await format('html')).toContain(`SKIP: ${shown}`);
});

// @verifies AC-gate-numbers-agree
it("the difference to a commit is the same in every format, and `--at` gives that commit's own numbers", async () => {
  const before = await project.verify();
  await project.write({
    'no.sh': '#!/bin/sh\nexit 0\n',
    'specs/d.yaml': specFile('SPEC-d', { 'AC-d-one': 'verified_by:\n  - run: ./yes.sh', 'AC-d-two': '' }),
  });
  await project.commit('mend, and more');
  const after = await project.verify();
  const [now, then] = [await view('--against', 'HEAD~1'), await view('--at', 'HEAD~1')];
  const known = { before: fromRecord(before.record).total, after: fromRecord(after.record).total };
  expect([then.total.specified, then.total.executed, then.total.passed]).toEqual([
    known.before.specified,
    known.before.executed,
    known.before.passed,
  ]);
  expect([now.total.specified, now.total.executed, now.total.passed]).toEqual([
    known.after.specified,
    known.after.executed,
    known.after.passed,
  ]);
  expect(now.delta?.counts).toEqual(Object.fromEntries(KEYS.map((key) => [key, now.total[key] - then.total[key]])));
  expect(now.delta?.counts.passed).toBe(after.record.summary.pass - before.record.summary.pass);
  expect([...(now.delta?.gained ?? [])]).toEqual(['AC-a-two', 'AC-c-5', 'AC-c-6', 'AC-d-one']);
  const line = KEYS.map(
    (key) => `${key} ${(now.delta?.counts[key] ?? 0) > 0 ? '+' : ''}${now.delta?.counts[key] ?? 0}`,
  ).join(', ');
  for (const name of ['text', 'md', 'html'])
    expect((await format(name, '--against', 'HEAD~1')).replaceAll('\\', ''), name).toMatch(
      new RegExp(`[Ss]ince HEAD~1: ${line.replaceAll('+', '\\+')}`, 'u'),
    );
  // A ref has its numbers in each format, not only in json.
  expect(textRows(await format('text', '--at', 'HEAD~1')).get('all')).toEqual(numbers(then.total));
  expect(markdownRows(await format('md', '--at', 'HEAD~1')).get('all')).toEqual(numbers(then.total));
  expect(htmlRows(await format('html', '--at', 'HEAD~1')).total).toEqual(numbers(then.total));
  // Another source has no verdicts, and a changed file takes them away from the working tree.
  await project.write({ 'yes.sh': '#!/bin/sh\n: changed\nexit 0\n' });
  expect((await view()).total).toMatchObject({
    specified: now.total.specified,
    traced: now.total.traced,
    executed: 0,
    passed: 0,
  });
  expect((await view('--at', 'HEAD')).total).toEqual(now.total);
  const unknown = await project.coherence(['coverage', '--at', 'no-such-ref']);
  expect(unknown.code).not.toBe(0);
});

// @verifies AC-gate-numbers-agree
it('floors are compared with the shown percentages', async () => {
  await project.verify();
  const { total } = await view();
  const shown = Number(percent(total.passed, total.specified));
  expect((await project.coherence(['coverage', '--fail-under', `passed=${shown}`])).code).toBe(0);
  const missed = await project.coherence([
    'coverage',
    '--fail-under',
    `passed=${(shown + 0.1).toFixed(1)},specified=100`,
  ]);
  expect([missed.code, missed.err]).toEqual([1, expect.stringContaining(`passed is ${shown.toFixed(1)}%`)]);
});

const DOLT = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'coherence', 'dolt', '2.2.0', 'dolt');
describe.skipIf(!existsSync(DOLT) && process.env['CI'] !== 'true')('with the store', () => {
  // @verifies AC-gate-numbers-agree
  it('each point of the trend is the summary of its run', async () => {
    const env = { COHERENCE_STORE__DOLT_BIN: DOLT };
    const ask = async (args: readonly string[]) => project.coherence(args, { env });
    try {
      expect((await ask(['store', 'start'])).code).toBe(0);
      expect((await ask(['sync'])).code).toBe(0);
      const first = await project.verify([], { env });
      await project.write({ 'no.sh': '#!/bin/sh\nexit 0\n' });
      const second = await project.verify([], { env });
      const { trend } = JSON.parse((await ask(['coverage', '--format', 'json'])).out) as View;
      const points = new Map(trend.map((point) => [point.run, point]));
      for (const { record } of [first, second]) {
        const { pass, fail, skip, error } = record.summary;
        expect(points.get(record.run)).toMatchObject({ pass, fail, skip, error });
      }
      const html = (await ask(['coverage', '--format', 'html'])).out;
      const most = Math.max(...trend.map((point) => point.pass + point.fail + point.skip + point.error));
      expect(/aria-label="(Passed criteria[^"]*)"/u.exec(html)?.[1]).toContain(
        `over the last ${trend.length} runs; last ${second.record.summary.pass} of ${most}`,
      );
    } finally {
      await ask(['store', 'stop']);
    }
  });
});

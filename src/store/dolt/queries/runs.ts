/** SQL for runs and verdicts. */
import type { TrendPoint } from '../../../model/index.js';
import { hashFields } from '../../../util/hash.js';
import type { CompactRun, StoredVerdict } from '../../port.js';
import type { SqlConnection, SqlValue } from '../connection.js';
import { asOf, chunks, rowsThen } from './catalog.js';

const insert = async (
  connection: SqlConnection,
  table: string,
  columns: readonly string[],
  rows: readonly (readonly SqlValue[])[],
  tail = '',
): Promise<void> => {
  for (const part of chunks(rows))
    await connection.query(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ?${tail}`, [part]);
};

/** Part of a write group. A run that is there already is left as it is: recording twice changes nothing. */
export async function writeRuns(connection: SqlConnection, runs: readonly CompactRun[]): Promise<void> {
  const there = new Set(
    runs.length === 0
      ? []
      : (await connection.query('SELECT id FROM run WHERE id IN (?)', [runs.map((run) => run.run)])).map((row) =>
          String(row['id']),
        ),
  );
  const fresh = [...new Map(runs.map((run) => [run.run, run])).values()].filter((run) => !there.has(run.run));
  await insert(
    connection,
    'run',
    [
      'id',
      'session',
      'started_at',
      'commit_id',
      'dirty',
      'tree',
      'pass',
      'fail',
      'skip',
      'error',
      'cached',
      'executed',
      'duration_ms',
      'ended',
    ],
    fresh.map(({ run, session, started_at: startedAt, source, summary, ended }) => [
      run,
      session,
      startedAt,
      source.commit,
      source.dirty,
      source.tree,
      summary.pass,
      summary.fail,
      summary.skip,
      summary.error,
      summary.cached,
      summary.executed,
      Math.round(summary.duration_ms),
      ended ?? null,
    ]),
  );
  await insert(
    connection,
    'criterion_result',
    ['run_id', 'criterion_id', 'spec_id', 'verdict', 'reason', 'detail', 'wording'],
    fresh.flatMap((run) =>
      run.criteria.map((item) => [
        run.run,
        item.id,
        item.spec,
        item.verdict,
        item.reason,
        item.detail ?? null,
        item.wording,
      ]),
    ),
  );
  const checks = fresh.flatMap((run) =>
    run.criteria.flatMap((item) =>
      item.checks.map((check, number) => ({ run: run.run, criterion: item.id, number, check })),
    ),
  );
  await insert(
    connection,
    'check_result',
    [
      'run_id',
      'criterion_id',
      'number',
      'link',
      'kind',
      'runner',
      'place',
      'verdict',
      'reason',
      'proof',
      'file',
      'line',
      'exit_code',
      'attempt',
      'duration_ms',
      'cached',
      'source_hash',
      'output_sha256',
    ],
    checks.map(({ run, criterion, number, check }) => [
      run,
      criterion,
      number,
      check.link,
      check.kind,
      check.runner,
      check.place,
      check.verdict,
      check.reason,
      check.proof,
      check.file,
      check.line,
      check.exit_code,
      check.attempt,
      check.duration_ms,
      check.cached,
      check.source_hash,
      check.output_sha256,
    ]),
  );
  const tests = new Map(
    checks.flatMap(({ criterion, check }) =>
      check.kind === 'test' && check.file !== null
        ? [
            [
              `${criterion}\u0000${check.link}`,
              { criterion, check, key: hashFields([check.runner, check.link]).slice(0, 32) },
            ] as const,
          ]
        : [],
    ),
  );
  await insert(
    connection,
    'found_test',
    ['test_key', 'selector', 'runner', 'file', 'line'],
    [
      ...new Map(
        [...tests.values()].map(
          ({ key, check }) => [key, [key, check.link, check.runner, check.file, check.line]] as const,
        ),
      ).values(),
    ],
    ' ON DUPLICATE KEY UPDATE file = VALUES(file), line = VALUES(line)',
  );
  await insert(
    connection,
    'found_link',
    ['criterion_id', 'test_key'],
    [...tests.values()].map(({ criterion, key }) => [criterion, key]),
    ' ON DUPLICATE KEY UPDATE test_key = VALUES(test_key)',
  );
}

/** The latest `limit` runs that were recorded, now or at a Dolt commit (a full hash); oldest first. */
export async function readTrend(
  connection: SqlConnection,
  limit: number,
  commit?: string,
): Promise<readonly TrendPoint[]> {
  const rows = await rowsThen(
    connection,
    commit,
    `SELECT id, started_at, commit_id, pass, fail, skip, error FROM run${asOf(commit)} ORDER BY id DESC LIMIT ?`,
    [limit],
  );
  return rows.toReversed().map((row) => ({
    run: String(row['id']),
    started_at: String(row['started_at']),
    commit: row['commit_id'] === null ? null : String(row['commit_id']),
    pass: Number(row['pass']),
    fail: Number(row['fail']),
    skip: Number(row['skip']),
    error: Number(row['error']),
  }));
}

/** For each criterion its verdict in the latest run on that git commit's clean tree, of the runs recorded now or at a Dolt commit. */
export async function readVerdicts(
  connection: SqlConnection,
  gitCommit: string,
  commit?: string,
): Promise<readonly StoredVerdict[]> {
  const results = `criterion_result${asOf(commit)}`;
  const rows = await rowsThen(
    connection,
    commit,
    `SELECT r.criterion_id, r.spec_id, r.verdict, r.reason, r.detail, r.run_id, r.wording FROM ${results} r
     JOIN (SELECT c.criterion_id, MAX(c.run_id) AS run_id FROM ${results} c JOIN run${asOf(commit)} n ON n.id = c.run_id WHERE n.commit_id = ? AND n.dirty = 0 GROUP BY c.criterion_id) latest
       ON latest.criterion_id = r.criterion_id AND latest.run_id = r.run_id ORDER BY r.criterion_id`,
    [gitCommit],
  );
  return rows.map((row) => ({
    criterion: String(row['criterion_id']),
    spec: String(row['spec_id']),
    verdict: String(row['verdict']),
    reason: String(row['reason']),
    detail: row['detail'] === null ? '' : String(row['detail']),
    run: String(row['run_id']),
    wording: String(row['wording']),
  }));
}

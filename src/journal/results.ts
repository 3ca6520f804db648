/**
 * Verdicts of criteria. A verdict, what a later attempt may skip because of it, and the message to the shared store are
 * written in one transaction, guarded by the run's fence.
 */
import { sha256 } from '../util/hash.js';
import { failpoint } from '../util/failpoint.js';
import type { Clock } from './clock.js';
import type { Database } from './database.js';
import type { Ending } from './queue.js';
import { integer, parsed, text, textOrNull } from './rows.js';
import type { CriterionResult, Moment, Resume, RunRow } from './types.js';

export function resultsOf(database: Database, runId: string): readonly CriterionResult[] {
  return database
    .sql('SELECT * FROM ac_results WHERE run_id=:id ORDER BY rowid')
    .all({ id: runId })
    .map((row) => ({
      run_id: text(row, 'run_id'),
      ac_id: text(row, 'ac_id'),
      fence: integer(row, 'fence'),
      attempt: integer(row, 'attempt'),
      verdict: text(row, 'verdict') as CriterionResult['verdict'],
      evidence_sha: text(row, 'evidence_sha'),
      payload: text(row, 'payload'), // written below alone
    }));
}

const INSERT = `INSERT INTO ac_results(run_id, ac_id, fence, attempt, verdict, evidence_sha, payload)
  SELECT :run_id, :ac_id, :fence, :attempt, :verdict, :evidence_sha, :payload WHERE (SELECT fence FROM runs WHERE run_id=:run_id)=:fence
  ON CONFLICT(run_id, ac_id) DO NOTHING`;
const OUTBOX = 'INSERT INTO outbox(run_id, ac_id, fence, payload) VALUES(:run_id, :ac_id, :fence, :payload)';

/** What the results rest on; written when the worker has read its specs and its source. */
export interface Basis {
  readonly spec_rev: string;
  readonly source: string;
}

/** Stores one verdict with its resume entry and its outbox row. False: stale fence, or a verdict is stored already. */
export function record(database: Database, result: CriterionResult): boolean {
  const stored = database.transaction(() => {
    if (database.sql(INSERT).run({ ...result }) === 0) return false;
    const resume = database.sql('SELECT completed FROM resume_map WHERE run_id=:id').get({ id: result.run_id });
    const completed = parsed(resume?.['completed']);
    const next = [
      ...(Array.isArray(completed) ? (completed as unknown[]) : []),
      { ac: result.ac_id, evidence: result.evidence_sha },
    ];
    database
      .sql('UPDATE resume_map SET completed=:completed, fence=:fence WHERE run_id=:id')
      .run({ id: result.run_id, fence: result.fence, completed: JSON.stringify(next) });
    database
      .sql(OUTBOX)
      .run({ run_id: result.run_id, ac_id: result.ac_id, fence: result.fence, payload: result.payload });
    failpoint('K10');
    return true;
  });
  if (stored) failpoint('K11');
  return stored;
}

/** Verdicts that were settled while the checkout was something else than at the start of their attempt say so in their payload. */
function dropSettledOnAnother(database: Database, id: string, source: string): void {
  const basis = "CASE WHEN json_valid(payload) THEN json_extract(payload, '$.basis') END";
  const other = `SELECT ac_id FROM ac_results WHERE run_id=:id AND ${basis} IS NOT NULL AND ${basis}<>:source`;
  database.sql(`DELETE FROM outbox WHERE run_id=:id AND pushed_at IS NULL AND ac_id IN (${other})`).run({ id, source });
  database.sql(`DELETE FROM ac_results WHERE run_id=:id AND ac_id IN (${other})`).run({ id, source });
}

/**
 * Begins an attempt on `basis`. Verdicts of an earlier attempt stay only where they are about the same spec text and the
 * same source; otherwise all of them are dropped. Gives the criteria that need not run again, or null on a stale fence.
 */
export function beginAttempt(
  database: Database,
  run: { readonly run_id: string; readonly fence: number },
  basis: Basis,
): readonly string[] | null {
  return database.transaction(() => {
    const current = database.sql('SELECT fence FROM runs WHERE run_id=:id').get({ id: run.run_id });
    if (current === undefined || integer(current, 'fence') !== run.fence) return null;
    database.sql('UPDATE runs SET spec_rev=:rev WHERE run_id=:id').run({ id: run.run_id, rev: basis.spec_rev });
    const row = database.sql('SELECT spec_rev, commit_sha FROM resume_map WHERE run_id=:id').get({ id: run.run_id });
    if (row !== undefined && text(row, 'spec_rev') === basis.spec_rev && text(row, 'commit_sha') === basis.source) {
      database.sql('UPDATE resume_map SET fence=:fence WHERE run_id=:id').run({ id: run.run_id, fence: run.fence });
      dropSettledOnAnother(database, run.run_id, basis.source);
      return resultsOf(database, run.run_id).map((result) => result.ac_id);
    }
    database.sql('DELETE FROM ac_results WHERE run_id=:id').run({ id: run.run_id });
    database.sql('DELETE FROM outbox WHERE run_id=:id AND pushed_at IS NULL').run({ id: run.run_id });
    database
      .sql(`INSERT INTO resume_map(run_id, fence, spec_rev, commit_sha, completed) VALUES(:id, :fence, :rev, :source, '[]')
      ON CONFLICT(run_id) DO UPDATE SET fence=:fence, spec_rev=:rev, commit_sha=:source, completed='[]'`)
      .run({ id: run.run_id, fence: run.fence, rev: basis.spec_rev, source: basis.source });
    return [];
  });
}

function momentOf(value: string | null): Moment | null {
  const found = parsed(value);
  if (typeof found !== 'object' || found === null) return null;
  const { boot_id, mono } = found as Record<string, unknown>; // checked on the next line
  return typeof boot_id === 'string' && typeof mono === 'number' ? { boot_id, mono } : null;
}

const isCompleted = (value: unknown): value is Resume['completed'] =>
  Array.isArray(value) &&
  value.every((item: unknown) => {
    if (typeof item !== 'object' || item === null) return false;
    const { ac, evidence } = item as Record<string, unknown>; // checked here
    return typeof ac === 'string' && typeof evidence === 'string';
  });

/** The resume entry of a run: null when there is none, `corrupt` with a reason when it cannot be believed. */
export function readResume(database: Database, runId: string): Resume | { readonly corrupt: string } | null {
  const row = database.sql('SELECT * FROM resume_map WHERE run_id=:id').get({ id: runId });
  if (row === undefined) return null;
  const completed = parsed(row['completed']);
  if (!isCompleted(completed)) return { corrupt: 'the list of completed criteria is not readable' };
  // Every write about a run carries its fence, which only rises: no entry is ahead of its run, no verdict ahead of its entry.
  const fence = integer(row, 'fence');
  const run = database.sql('SELECT fence FROM runs WHERE run_id=:id').get({ id: runId });
  if (run !== undefined && fence > integer(run, 'fence'))
    return { corrupt: `its fence ${fence} is ahead of that of its run, ${integer(run, 'fence')}` };
  const stored = new Map(resultsOf(database, runId).map((result) => [result.ac_id, result]));
  if (stored.size !== completed.length)
    return { corrupt: `${completed.length} criteria are listed as completed, ${stored.size} verdicts are stored` };
  for (const { ac, evidence } of completed) {
    const result = stored.get(ac);
    if (result === undefined) return { corrupt: `no verdict is stored for ${ac}` };
    if (result.fence > fence)
      return { corrupt: `the fence ${result.fence} of the verdict of ${ac} is ahead of its own, ${fence}` };
    if (result.evidence_sha !== evidence || sha256(result.payload) !== evidence)
      return { corrupt: `the stored verdict of ${ac} is not the one that was recorded` };
  }
  const window = textOrNull(row, 'window_start');
  return {
    run_id: runId,
    fence,
    spec_rev: text(row, 'spec_rev'),
    commit_sha: text(row, 'commit_sha'),
    completed,
    resurrections: integer(row, 'resurrections'),
    window_start: momentOf(window),
  };
}

/** Moves a resume entry that cannot be believed aside, with its verdicts: the run starts again from its first criterion. */
export function quarantineResume(database: Database, clock: Clock, runId: string, why: string): void {
  database.transaction(() => {
    const row = database.sql('SELECT * FROM resume_map WHERE run_id=:id').get({ id: runId });
    const results = database.sql('SELECT * FROM ac_results WHERE run_id=:id').all({ id: runId });
    database
      .sql("INSERT INTO quarantine(at, source, key, row, why) VALUES(:at, 'resume_map', :key, :row, :why)")
      .run({ at: clock.now(), key: runId, row: JSON.stringify({ resume: row ?? null, results }), why });
    // The count of resurrections stays: a poison run must not be freed by a damaged row.
    database.sql("UPDATE resume_map SET completed='[]', spec_rev='' WHERE run_id=:id").run({ id: runId });
    database.sql('DELETE FROM ac_results WHERE run_id=:id').run({ id: runId });
    database.sql('DELETE FROM outbox WHERE run_id=:id AND pushed_at IS NULL').run({ id: runId });
  });
}

/** Writes the count of resurrections and the start of their window. */
export function storeResurrections(database: Database, runId: string, count: number, windowStart: Moment): void {
  database
    .sql(`INSERT INTO resume_map(run_id, fence, spec_rev, commit_sha, completed, resurrections, window_start)
    VALUES(:id, 0, '', '', '[]', :count, :start) ON CONFLICT(run_id) DO UPDATE SET resurrections=:count, window_start=:start`)
    .run({ id: runId, count, start: JSON.stringify(windowStart) });
}

/** Gives every criterion of an ending run that has no verdict yet the ending's reason: SKIP where that is one, else ERROR. */
export function closeCriteria(database: Database, run: RunRow, ending: Ending): void {
  if (run.payload.criteria === null) return;
  const stored = new Set(resultsOf(database, run.run_id).map((result) => result.ac_id));
  const verdict = ending.verdict === 'SKIP' ? 'SKIP' : 'ERROR';
  for (const id of run.payload.criteria) {
    if (stored.has(id)) continue;
    const payload = JSON.stringify({
      id,
      title: '',
      risk: 'medium',
      verdict,
      reason: ending.reason,
      detail: ending.detail,
      wording: '',
      checks: [],
    });
    database
      .sql(
        'INSERT INTO ac_results(run_id, ac_id, fence, attempt, verdict, evidence_sha, payload) VALUES(:run_id, :ac_id, :fence, :attempt, :verdict, :sha, :payload)',
      )
      .run({
        run_id: run.run_id,
        ac_id: id,
        fence: run.fence,
        attempt: run.attempt,
        verdict,
        sha: sha256(payload),
        payload,
      });
    database.sql(OUTBOX).run({ run_id: run.run_id, ac_id: id, fence: run.fence, payload });
  }
}

/** Replaces the list of criteria that a run is about, once its worker has read the specs of its commit. */
export function setCriteria(database: Database, runId: string, criteria: readonly string[]): void {
  database
    .sql("UPDATE runs SET payload=json_set(payload, '$.criteria', json(:criteria)) WHERE run_id=:id")
    .run({ id: runId, criteria: JSON.stringify(criteria) });
}

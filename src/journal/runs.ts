/** Runs in the journal: enqueue, claim, the way through their states. */
import { failpoint } from '../util/failpoint.js';
import type { Clock } from './clock.js';
import type { Database, Parameters, Row } from './database.js';
import { closeCriteria } from './results.js';
import type { Blocked, Claimed, Ending, Enqueued } from './queue.js';
import { runRow } from './rows.js';
import { isTerminal, type NewRun, type RunRow, type RunState } from './types.js';

const byId = 'SELECT * FROM runs WHERE run_id=:id';
const NOTHING: Blocked = { backends: [], cargoSessions: [], runs: [] };

export function getRun(database: Database, id: string): RunRow | null {
  const row = database.sql(byId).get({ id });
  return row === undefined ? null : runRow(row);
}

/** Newest last. `open` leaves out what has ended. */
export function listRuns(
  database: Database,
  filter: { readonly open?: boolean; readonly state?: RunState; readonly limit?: number } = {},
): readonly RunRow[] {
  const where =
    filter.state !== undefined
      ? 'WHERE state=:state'
      : filter.open === true
        ? "WHERE state NOT IN ('done','dead_letter')"
        : '';
  const limit = filter.limit === undefined ? '' : ` LIMIT ${Math.trunc(filter.limit)}`;
  const rows = database
    .sql(`SELECT * FROM (SELECT * FROM runs ${where} ORDER BY seq DESC${limit}) ORDER BY seq`)
    .all(filter.state === undefined ? {} : { state: filter.state });
  return rows.map(runRow);
}

export function enqueue(database: Database, clock: Clock, runs: readonly NewRun[]): readonly Enqueued[] {
  const answer = database.transaction(() => {
    const added = runs.map((run): Enqueued => {
      // A repeated request is the same run, also when that has ended by now: its reply may have been lost (K2).
      const earlier =
        run.dedupe_key === null
          ? undefined
          : database
              .sql('SELECT * FROM runs WHERE dedupe_key=:key ORDER BY seq DESC LIMIT 1')
              .get({ key: run.dedupe_key });
      if (earlier !== undefined) return { run: runRow(earlier), repeated: true };
      const row = database
        .sql(`INSERT INTO runs(run_id, seq, session_id, spec_id, commit_sha, backend, priority, depends_on, repo, state, dedupe_key, payload, enqueued_at)
        VALUES(:run_id, (SELECT coalesce(max(seq),0)+1 FROM runs), :session_id, :spec_id, :commit_sha, :backend, :priority, :depends_on, :repo, 'queued', :dedupe_key, :payload, :now) RETURNING *`)
        .get({ ...run, payload: JSON.stringify(run.payload), now: clock.now() });
      return { run: runRow(row as Row), repeated: false }; // RETURNING gives the inserted row
    });
    cancelOrphans(database, clock);
    failpoint('K1');
    return added;
  });
  failpoint('K2');
  return answer.map((entry) => ({ ...entry, run: getRun(database, entry.run.run_id) ?? entry.run }));
}

const READY = `state='queued' AND (not_before IS NULL OR not_before_boot<>:boot OR not_before<=:mono)
  AND (depends_on IS NULL OR EXISTS(SELECT 1 FROM runs d WHERE d.run_id=r.depends_on AND d.state='done' AND d.verdict='PASS'))
  AND backend NOT IN (SELECT value FROM json_each(:backends))
  AND NOT (backend='cargo' AND session_id IN (SELECT value FROM json_each(:sessions)))
  AND run_id NOT IN (SELECT value FROM json_each(:runs))`;

const readyParameters = (clock: Clock, blocked: Blocked): Parameters => ({
  boot: clock.bootId,
  mono: clock.mono(),
  backends: JSON.stringify(blocked.backends),
  sessions: JSON.stringify(blocked.cargoSessions),
  runs: JSON.stringify(blocked.runs),
});

/** How many runs could be claimed now. */
export function eligible(database: Database, clock: Clock, blocked: Blocked = NOTHING): number {
  return Number(
    database.sql(`SELECT count(*) AS n FROM runs r WHERE ${READY}`).get(readyParameters(clock, blocked))?.['n'] ?? 0,
  );
}

export const countRuns = (database: Database, state: RunState): number =>
  Number(database.sql('SELECT count(*) AS n FROM runs WHERE state=:state').get({ state })?.['n'] ?? 0);

/** Milliseconds until the next run that waits for its back-off is due; null when none waits. */
export function nextDue(database: Database, clock: Clock): number | null {
  const row = database
    .sql(
      "SELECT min(not_before) AS due FROM runs WHERE state='queued' AND not_before IS NOT NULL AND not_before_boot=:boot AND not_before>:mono",
    )
    .get({ boot: clock.bootId, mono: clock.mono() });
  const due = row?.['due'];
  return due === null || due === undefined ? null : Math.max(0, Number(due) - clock.mono());
}

/**
 * One claim is one statement, so that two claimers never get the same run. It does not wait for the disk: whoever holds a
 * claim dies with the machine, and what is written under it comes later in the same log, so a power cut never keeps that
 * and loses the claim.
 */
export function claimOne(
  database: Database,
  clock: Clock,
  instance: string,
  blocked: Blocked = NOTHING,
): RunRow | null {
  const row = database.relaxed(() =>
    database
      .sql(`UPDATE runs SET state='claimed', owner=:instance, fence=fence+1, attempt=attempt+1, not_before=NULL, not_before_boot=NULL, started_at=coalesce(started_at, :now)
    WHERE run_id=(SELECT run_id FROM runs r WHERE ${READY} ORDER BY priority, seq LIMIT 1) RETURNING *`)
      .get({ ...readyParameters(clock, blocked), instance, now: clock.now() }),
  );
  failpoint('K3');
  return row === undefined ? null : runRow(row);
}

/**
 * Moves a claimed run on; false when its fence is stale or it has ended. Which of the states of work it is in means nothing
 * after a power cut, so this does not wait for the disk.
 */
export const advance = (database: Database, claimed: Claimed, state: RunState): boolean =>
  database.relaxed(() =>
    database
      .sql(
        "UPDATE runs SET state=:state WHERE run_id=:id AND fence=:fence AND state NOT IN ('done','dead_letter','queued')",
      )
      .run({ id: claimed.run_id, fence: claimed.fence, state }),
  ) === 1;

export const isCurrent = (database: Database, claimed: Claimed): boolean =>
  database
    .sql(
      "SELECT 1 FROM runs WHERE run_id=:id AND fence=:fence AND state IN ('claimed','preparing','running','finishing','stopping')",
    )
    .get({ id: claimed.run_id, fence: claimed.fence }) !== undefined;

/**
 * Ends a run in whatever state it is. Criteria without a verdict get the one of `unsettled`, so that each has exactly one.
 */
export function endRun(
  database: Database,
  clock: Clock,
  run: RunRow,
  ending: Ending,
  unsettled: Ending = ending,
  state: 'done' | 'dead_letter' = 'done',
): void {
  database.transaction(() => {
    closeCriteria(database, run, unsettled);
    database
      .sql(
        'UPDATE runs SET state=:state, verdict=:verdict, reason=:reason, detail=:detail, ended_at=:now, owner=NULL WHERE run_id=:id',
      )
      .run({ id: run.run_id, state, ...ending, now: clock.now() });
    cancelOrphans(database, clock);
  });
}

export function complete(
  database: Database,
  clock: Clock,
  claimed: Claimed,
  ending: Ending,
  unsettled: Ending = ending,
): boolean {
  return database.transaction(() => {
    const run = getRun(database, claimed.run_id);
    if (run === null || run.fence !== claimed.fence || isTerminal(run.state) || run.state === 'queued') return false;
    endRun(database, clock, run, ending, unsettled);
    return true;
  });
}

/** Ends queued runs whose parent has ended without PASS, and those that wait for them in turn. */
export function cancelOrphans(database: Database, clock: Clock): number {
  let count = 0;
  for (;;) {
    const rows = database
      .sql(`SELECT r.* FROM runs r JOIN runs d ON d.run_id=r.depends_on
      WHERE r.state='queued' AND d.state IN ('done','dead_letter') AND d.verdict<>'PASS'`)
      .all();
    if (rows.length === 0) return count;
    for (const row of rows.map(runRow)) {
      const ending: Ending = {
        verdict: 'ERROR',
        reason: 'canceled',
        detail: `run ${row.depends_on ?? ''} that it waited for did not pass`,
      };
      closeCriteria(database, row, ending);
      database
        .sql(
          "UPDATE runs SET state='done', verdict=:verdict, reason=:reason, detail=:detail, ended_at=:now WHERE run_id=:id",
        )
        .run({ id: row.run_id, ...ending, now: clock.now() });
      count += 1;
    }
  }
}

export interface PutBack {
  readonly reason: string;
  readonly detail: string;
  readonly delayMs: number;
  /** Whether it counts as a failed start, which lengthens the next back-off. */
  readonly counts: boolean;
  /** False when no worker was started: then the claim does not count as an attempt. */
  readonly started: boolean;
}

export function putBack(database: Database, clock: Clock, claimed: Claimed, why: PutBack): boolean {
  return (
    database
      .sql(`UPDATE runs SET state='queued', owner=NULL, reason=:reason, detail=:detail, not_before=:due, not_before_boot=:boot,
      attempt=attempt-:unstarted, failures=CASE WHEN :counts=1 THEN failures+1 ELSE failures END
      WHERE run_id=:id AND fence=:fence AND state IN ('claimed','preparing','running','finishing','stopping','parked')`)
      .run({
        id: claimed.run_id,
        fence: claimed.fence,
        reason: why.reason,
        detail: why.detail,
        due: why.delayMs > 0 ? clock.mono() + Math.round(why.delayMs) : null,
        boot: why.delayMs > 0 ? clock.bootId : null,
        unstarted: why.started ? 0 : 1,
        counts: why.counts ? 1 : 0,
      }) === 1
  );
}

export function cancelWaiting(database: Database, clock: Clock, id: string, why: string): RunRow | null {
  return database.transaction(() => {
    const run = getRun(database, id);
    if (run === null) return null;
    if (run.state === 'queued' || run.state === 'parked')
      endRun(database, clock, run, { verdict: 'ERROR', reason: 'canceled', detail: why });
    return getRun(database, id);
  });
}

/** Puts an ended run back, as a new attempt from its first criterion: verdicts stored so far are dropped. Null when it has not ended. */
export function retry(database: Database, id: string): RunRow | null {
  return database.transaction(() => {
    const run = getRun(database, id);
    if (run === null || !isTerminal(run.state)) return null;
    database.sql('DELETE FROM ac_results WHERE run_id=:id').run({ id });
    database.sql('DELETE FROM resume_map WHERE run_id=:id').run({ id });
    database
      .sql(
        "UPDATE runs SET state='queued', owner=NULL, verdict=NULL, reason=NULL, detail=NULL, failures=0, not_before=NULL, not_before_boot=NULL, ended_at=NULL, started_at=NULL WHERE run_id=:id",
      )
      .run({ id });
    return getRun(database, id);
  });
}

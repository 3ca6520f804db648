/** What happened, for later questions: sweeps, reaps, generations of the configuration, warm boots, messages for the shared store. */
import type { Clock } from './clock.js';
import type { Database } from './database.js';
import { integer, parsed, text } from './rows.js';
import type { OutboxRow } from './types.js';

/** Rows kept of each kind of note. */
const KEEP = 1000;

function append(
  database: Database,
  clock: Clock,
  table: 'sweep_reports' | 'reap_events',
  column: 'report' | 'event',
  instance: string,
  value: object,
): void {
  database.transaction(() => {
    database
      .sql(`INSERT INTO ${table}(instance_id, at, ${column}) VALUES(:instance, :at, :value)`)
      .run({ instance, at: clock.now(), value: JSON.stringify(value) });
    database.sql(`DELETE FROM ${table} WHERE seq <= (SELECT max(seq) FROM ${table}) - ${KEEP}`).run();
  });
}

export const addSweepReport = (database: Database, clock: Clock, instance: string, report: object): void =>
  append(database, clock, 'sweep_reports', 'report', instance, report);
export const addReapEvent = (database: Database, clock: Clock, instance: string, event: object): void =>
  append(database, clock, 'reap_events', 'event', instance, event);

/** Stores a new generation and gives its number. Generations go on counting over the lives of daemons. */
export function addConfigGeneration(database: Database, clock: Clock, instance: string, changed: object): number {
  const row = database
    .sql(
      'INSERT INTO config_gens(generation, instance_id, at, changed) VALUES((SELECT coalesce(max(generation),0)+1 FROM config_gens), :instance, :at, :changed) RETURNING generation',
    )
    .get({ instance, at: clock.now(), changed: JSON.stringify(changed) });
  return row === undefined ? 0 : integer(row, 'generation');
}

export const putWarm = (
  database: Database,
  clock: Clock,
  warm: {
    readonly target_dir: string;
    readonly session_id: string;
    readonly status: string;
    readonly report: object;
    readonly bytes: number | null;
  },
): void =>
  void database
    .sql(`INSERT INTO warm(target_dir, session_id, status, report, last_used, bytes) VALUES(:target_dir, :session_id, :status, :report, :now, :bytes)
    ON CONFLICT(target_dir) DO UPDATE SET session_id=:session_id, status=:status, report=:report, last_used=:now, bytes=:bytes`)
    .run({ ...warm, report: JSON.stringify(warm.report), now: clock.now() });

export interface WarmRow {
  readonly target_dir: string;
  readonly session_id: string;
  readonly status: string;
  readonly report: unknown;
  readonly last_used: string;
}

export const listWarm = (database: Database): readonly WarmRow[] =>
  database
    .sql('SELECT * FROM warm ORDER BY target_dir')
    .all()
    .map((row) => ({
      target_dir: text(row, 'target_dir'),
      session_id: text(row, 'session_id'),
      status: text(row, 'status'),
      report: parsed(row['report']),
      last_used: text(row, 'last_used'),
    }));

/** Messages for the shared store that it has not confirmed, oldest first. */
export const pendingOutbox = (database: Database, limit: number): readonly OutboxRow[] =>
  database
    .sql('SELECT * FROM outbox WHERE pushed_at IS NULL ORDER BY seq LIMIT :limit')
    .all({ limit })
    .map((row) => ({
      seq: integer(row, 'seq'),
      run_id: text(row, 'run_id'),
      ac_id: text(row, 'ac_id'),
      fence: integer(row, 'fence'),
      payload: text(row, 'payload'),
    }));

export function markPushed(database: Database, clock: Clock, sequences: readonly number[]): void {
  database.transaction(() => {
    for (const seq of sequences)
      database.sql('UPDATE outbox SET pushed_at=:now WHERE seq=:seq').run({ seq, now: clock.now() });
    database
      .sql(`DELETE FROM outbox WHERE pushed_at IS NOT NULL AND seq <= (SELECT max(seq) FROM outbox) - ${KEEP * 10}`)
      .run();
  });
}

export const countPending = (database: Database): number =>
  Number(database.sql('SELECT count(*) AS n FROM outbox WHERE pushed_at IS NULL').get()?.['n'] ?? 0);

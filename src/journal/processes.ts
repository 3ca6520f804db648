/**
 * The process ledger: who was started, by which instance, under which nonce. A row is written before its process exists.
 * A power cut ends all processes, so these rows need not survive one: they are written without waiting for the disk.
 */
import type { Clock } from './clock.js';
import type { Database } from './database.js';
import { processRow } from './rows.js';
import type { ProcessRow, ProcessState } from './types.js';

export interface NewProcess {
  readonly nonce: string;
  readonly kind: ProcessRow['kind'];
  readonly name: string;
  readonly key: string | null;
  readonly instance_id: string;
  readonly isolation: string;
  readonly run_id: string | null;
}

export function intendProcess(database: Database, clock: Clock, process: NewProcess): void {
  database.relaxed(() =>
    database
      .sql(`INSERT INTO procs(nonce, kind, name, key, instance_id, boot_id, isolation, run_id, state, created, last_used)
    VALUES(:nonce, :kind, :name, :key, :instance_id, :boot, :isolation, :run_id, 'intended', :now, :mono)`)
      .run({ ...process, boot: clock.bootId, now: clock.now(), mono: clock.mono() }),
  );
}

export const processStarted = (database: Database, nonce: string, pid: number, startTicks: number | null): void =>
  void database.relaxed(() =>
    database
      .sql("UPDATE procs SET pid=:pid, start_ticks=:ticks, pgid=:pid, state='starting' WHERE nonce=:nonce")
      .run({ nonce, pid, ticks: startTicks }),
  );

export const containerStarted = (database: Database, nonce: string, container: string): void =>
  void database.relaxed(() =>
    database.sql('UPDATE procs SET container_id=:container WHERE nonce=:nonce').run({ nonce, container }),
  );

/** @param runId the run that a warm worker serves now; null: none */
export const setProcess = (
  database: Database,
  clock: Clock,
  nonce: string,
  state: ProcessState,
  runId: string | null,
): void =>
  void database.relaxed(() =>
    database
      .sql('UPDATE procs SET state=:state, run_id=:run, last_used=:mono WHERE nonce=:nonce')
      .run({ nonce, state, run: runId, mono: clock.mono() }),
  );

/** Keeps the run, for rows whose process is ending. */
export const setProcessState = (database: Database, nonce: string, state: ProcessState): void =>
  void database.relaxed(() => database.sql('UPDATE procs SET state=:state WHERE nonce=:nonce').run({ nonce, state }));

/** Rows whose process may still live. */
export const liveProcesses = (database: Database): readonly ProcessRow[] =>
  database.sql("SELECT * FROM procs WHERE state<>'dead' ORDER BY rowid").all().map(processRow);

export const processesOfRun = (database: Database, runId: string): readonly ProcessRow[] =>
  database.sql("SELECT * FROM procs WHERE run_id=:id AND state<>'dead'").all({ id: runId }).map(processRow);

/** Drops rows of dead processes beyond the newest `keep`. */
export const forgetDeadProcesses = (database: Database, keep: number): void =>
  void database
    .sql(
      "DELETE FROM procs WHERE state='dead' AND rowid NOT IN (SELECT rowid FROM procs WHERE state='dead' ORDER BY rowid DESC LIMIT :keep)",
    )
    .run({ keep });

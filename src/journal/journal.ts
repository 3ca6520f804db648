/**
 * `<state>/orchestrator.db`: the queue, the ledgers and their history. Facts of this machine that must survive SIGKILL.
 * One writer at a time is the rule (the daemon); SQLite's own locks keep the short-lived others apart.
 */
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Failure, type Result } from '../model/index.js';
import { systemClock, type Clock } from './clock.js';
import { JournalTrouble, openDatabase, troubleOf, type Database } from './database.js';
import { migrate, SCHEMA_VERSION } from './schema.js';

export interface Journal extends Disposable {
  readonly path: string;
  readonly database: Database;
  readonly clock: Clock;
  close(): void;
}

export const journalPath = (stateFolder: string): string => join(stateFolder, 'orchestrator.db');

/** The failure that a trouble of the journal means for a user: 74 damaged, 75 try again later. */
export function failureOf(trouble: JournalTrouble, path: string): Failure {
  switch (trouble.kind) {
    case 'full':
      return {
        kind: 'try-again',
        message: `The disk that holds ${path} is full.`,
        hint: 'Free some space; queued and finished runs are kept.',
        file: path,
      };
    case 'busy':
      return {
        kind: 'try-again',
        message: `Another process is writing to ${path}.`,
        hint: 'Try again in a moment.',
        file: path,
      };
    case 'corrupt':
      return {
        kind: 'damaged-state',
        message: `The journal ${path} is damaged (${trouble.message}).`,
        hint: '`coherence doctor --repair` salvages what can be read and keeps the damaged file.',
        file: path,
      };
    case 'read-only':
      return {
        kind: 'damaged-state',
        message: `The journal ${path} cannot be opened for writing (${trouble.message}).`,
        hint: 'Give the folder back to the user who runs coherence, or set COHERENCE_STATE_DIR.',
        file: path,
      };
    case 'other':
      return { kind: 'damaged-state', message: `The journal ${path} cannot be used (${trouble.message}).`, file: path };
  }
}

/** Runs `work` and turns trouble of the file system or the file into a failure. */
export function guarded<T>(path: string, work: () => T): Result<T> {
  try {
    return success(work());
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === null) throw error;
    return failure(failureOf(trouble, path));
  }
}

/**
 * Opens the journal of a state folder, makes it where there is none, checks it and brings its tables up to date.
 * A damaged file is a failure (74) and stays as it is: an empty queue in its place would lose runs without a word.
 */
export async function openJournal(
  stateFolder: string,
  options: { readonly check?: boolean; readonly clock?: Clock } = {},
): Promise<Result<Journal>> {
  const path = journalPath(stateFolder);
  const isNew = !existsSync(path);
  const opened = guarded(path, () => {
    const database = openDatabase(path);
    try {
      if (options.check === true && !isNew) {
        const answer = database.sql('PRAGMA quick_check(1)').get();
        const verdict = String(Object.values(answer ?? {})[0] ?? '');
        if (verdict !== 'ok') throw new JournalTrouble('corrupt', verdict);
      }
      const newer = migrate(database);
      if (newer !== null)
        throw new JournalTrouble(
          'other',
          `it has version ${newer}, this program knows ${SCHEMA_VERSION}; use the newer coherence`,
        );
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  });
  if (!opened.ok) return opened;
  if (isNew) await chmod(path, 0o600).catch(() => undefined);
  const database = opened.value;
  const close = (): void => database.close();
  return success({ path, database, clock: options.clock ?? systemClock(), close, [Symbol.dispose]: close });
}

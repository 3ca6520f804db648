/**
 * The SQLite driver behind a small port: `node:sqlite` where Node has it without a flag (22.13 and later), else
 * `@photostructure/sqlite`, which has the same interface and comes prebuilt.
 */
import { createRequire } from 'node:module';

export type SqlValue = string | number | bigint | null | Uint8Array;
export type Row = Readonly<Record<string, SqlValue>>;
export type Parameters = Readonly<Record<string, SqlValue>>;

export interface Statement {
  /** Number of changed rows. */
  run(parameters?: Parameters): number;
  get(parameters?: Parameters): Row | undefined;
  all(parameters?: Parameters): readonly Row[];
}

export interface Database {
  exec(sql: string): void;
  /** Statements are kept and made once for each text. Named parameters without prefix: `:id` is `{ id }`. */
  sql(text: string): Statement;
  /** Runs `work` in one write transaction; nested calls join the outer one. Rolls back when it throws. */
  transaction<T>(work: () => T): T;
  /** One statement or transaction that need not survive a power cut: what it says is void after a reboot anyway. */
  relaxed<T>(work: () => T): T;
  close(): void;
}

/**
 * What the file system or the file itself did to the journal. Thrown, since any statement may meet it; the edges
 * (`openJournal`, the daemon's request handler, the use cases) turn it into a Failure.
 */
export class JournalTrouble extends Error {
  constructor(
    readonly kind: 'full' | 'corrupt' | 'busy' | 'read-only' | 'other',
    message: string,
  ) {
    super(message);
    this.name = 'JournalTrouble';
  }
}

interface Driver {
  readonly DatabaseSync: new (path: string) => {
    exec(sql: string): void;
    prepare(sql: string): {
      run(parameters: object): { changes: number | bigint };
      get(parameters: object): unknown;
      all(parameters: object): unknown[];
    };
    close(): void;
  };
}

let driver: Driver | null = null;

function loadDriver(): Driver {
  if (driver !== null) return driver;
  const require = createRequire(import.meta.url);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) {
    // The built-in one announces itself as experimental on standard error; that is no news for the user of this program.
    const warn = process.emitWarning;
    process.emitWarning = () => undefined;
    try {
      driver = require('node:sqlite') as Driver; // its documented interface
    } finally {
      process.emitWarning = warn;
    }
  } else driver = require('@photostructure/sqlite') as Driver; // the same interface
  return driver;
}

/** SQLite's primary result codes that mean something to us. */
const CODES: Readonly<Record<number, JournalTrouble['kind']>> = {
  5: 'busy',
  6: 'busy',
  8: 'read-only',
  10: 'other',
  11: 'corrupt',
  13: 'full',
  14: 'read-only',
  26: 'corrupt',
};

export function troubleOf(error: unknown): JournalTrouble | null {
  if (error instanceof JournalTrouble) return error;
  if (!(error instanceof Error)) return null;
  const fields = error as Error & { errcode?: unknown; sqliteCode?: unknown; code?: unknown }; // optional fields of the two drivers
  if (fields.code === 'ENOSPC') return new JournalTrouble('full', error.message);
  const number = [fields.errcode, fields.sqliteCode].find((value) => typeof value === 'number');
  if (typeof number === 'number') {
    // 778 and 4874 are SQLITE_IOERR_WRITE and _SHMSIZE: what a full file system gives for the write-ahead log and its index.
    if (number === 778 || number === 4874) return new JournalTrouble('full', error.message);
    const kind = CODES[number & 255];
    // Any other code, a broken constraint for one, is a defect of ours and stays what it is.
    return kind === undefined ? null : new JournalTrouble(kind, error.message);
  }
  if (/database or disk is full/i.test(error.message)) return new JournalTrouble('full', error.message);
  if (/malformed|not a database/i.test(error.message)) return new JournalTrouble('corrupt', error.message);
  if (/database is locked/i.test(error.message)) return new JournalTrouble('busy', error.message);
  if (/readonly database|unable to open/i.test(error.message)) return new JournalTrouble('read-only', error.message);
  return null;
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw troubleOf(error) ?? error;
  }
}

/** Opens (and makes) a database file: write-ahead log, every commit synced to disk, five seconds of patience with another writer. */
export function openDatabase(path: string): Database {
  const { DatabaseSync } = loadDriver();
  const raw = guard(() => new DatabaseSync(path));
  const statements = new Map<string, Statement>();
  let depth = 0;
  let isOpen = true;
  guard(() => {
    try {
      raw.exec(
        'PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=200; PRAGMA journal_size_limit=1048576;',
      );
    } catch (error) {
      raw.close();
      throw error;
    }
  });
  return {
    exec: (sql) => guard(() => raw.exec(sql)),
    sql: (text) => {
      const known = statements.get(text);
      if (known !== undefined) return known;
      const prepared = guard(() => raw.prepare(text));
      const statement: Statement = {
        run: (parameters = {}) => guard(() => Number(prepared.run(parameters).changes)),
        get: (parameters = {}) => guard(() => prepared.get(parameters) as Row | undefined), // rows are objects of SQL values
        all: (parameters = {}) => guard(() => prepared.all(parameters) as Row[]), // as above
      };
      statements.set(text, statement);
      return statement;
    },
    transaction: (work) => {
      if (depth > 0) return work();
      guard(() => raw.exec('BEGIN IMMEDIATE'));
      depth += 1;
      try {
        const value = work();
        guard(() => raw.exec('COMMIT'));
        return value;
      } catch (error) {
        try {
          raw.exec('ROLLBACK');
        } catch {
          // SQLite has rolled back by itself after some errors (disk full).
        }
        throw error;
      } finally {
        depth -= 1;
      }
    },
    relaxed: (work) => {
      if (depth > 0) return work();
      raw.exec('PRAGMA synchronous=NORMAL');
      try {
        return work();
      } finally {
        raw.exec('PRAGMA synchronous=FULL');
      }
    },
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      statements.clear();
      try {
        // The driver keeps the connection until its statements are collected, so SQLite's own checkpoint at the last close may
        // never come; without it the file alone would not be the whole journal.
        raw.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // Another connection is at work, or the disk is full: the log stays and is read at the next open.
      }
      guard(() => raw.close());
    },
  };
}

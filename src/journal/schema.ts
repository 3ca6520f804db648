/** Tables of the journal and the steps from one version of them to the next. */
import type { Database } from './database.js';

const VERSION_1 = `
CREATE TABLE instances(
  instance_id TEXT PRIMARY KEY, kind TEXT NOT NULL, boot_id TEXT NOT NULL, pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL,
  started TEXT NOT NULL, ended TEXT, end_reason TEXT) STRICT;

CREATE TABLE runs(
  run_id TEXT PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, session_id TEXT NOT NULL, spec_id TEXT NOT NULL, spec_rev TEXT, commit_sha TEXT,
  backend TEXT NOT NULL, priority INTEGER NOT NULL, depends_on TEXT, repo TEXT NOT NULL, state TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0, owner TEXT, not_before INTEGER, not_before_boot TEXT,
  dedupe_key TEXT, payload TEXT NOT NULL, verdict TEXT, reason TEXT, detail TEXT, failures INTEGER NOT NULL DEFAULT 0,
  enqueued_at TEXT NOT NULL, started_at TEXT, ended_at TEXT) STRICT;
CREATE UNIQUE INDEX runs_dedupe ON runs(dedupe_key) WHERE dedupe_key IS NOT NULL AND state NOT IN ('done','dead_letter');
CREATE INDEX runs_queued ON runs(priority, seq) WHERE state='queued';
CREATE INDEX runs_key ON runs(dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX runs_parent ON runs(depends_on) WHERE depends_on IS NOT NULL;

CREATE TABLE ac_results(
  run_id TEXT NOT NULL, ac_id TEXT NOT NULL, fence INTEGER NOT NULL, attempt INTEGER NOT NULL, verdict TEXT NOT NULL,
  evidence_sha TEXT NOT NULL, payload TEXT NOT NULL, PRIMARY KEY(run_id, ac_id)) STRICT;

CREATE TABLE resume_map(
  run_id TEXT PRIMARY KEY, fence INTEGER NOT NULL, spec_rev TEXT NOT NULL, commit_sha TEXT NOT NULL, completed TEXT NOT NULL,
  resurrections INTEGER NOT NULL DEFAULT 0, window_start TEXT) STRICT;

CREATE TABLE procs(
  nonce TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, key TEXT, instance_id TEXT NOT NULL, boot_id TEXT NOT NULL,
  pid INTEGER, start_ticks INTEGER, pgid INTEGER, isolation TEXT NOT NULL, container_id TEXT, run_id TEXT, state TEXT NOT NULL,
  created TEXT NOT NULL, last_used INTEGER) STRICT;
CREATE INDEX procs_live ON procs(state) WHERE state<>'dead';

CREATE TABLE worktrees(
  path TEXT PRIMARY KEY, run_id TEXT NOT NULL, instance_id TEXT NOT NULL, repo TEXT NOT NULL, commit_sha TEXT NOT NULL, nonce TEXT NOT NULL,
  reason TEXT NOT NULL, state TEXT NOT NULL) STRICT;
CREATE INDEX worktrees_open ON worktrees(state) WHERE state<>'gone';

CREATE TABLE warm(target_dir TEXT PRIMARY KEY, session_id TEXT NOT NULL, status TEXT NOT NULL, report TEXT NOT NULL, last_used TEXT NOT NULL, bytes INTEGER) STRICT;
CREATE TABLE sweep_reports(seq INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, at TEXT NOT NULL, report TEXT NOT NULL) STRICT;
CREATE TABLE reap_events(seq INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, at TEXT NOT NULL, event TEXT NOT NULL) STRICT;
CREATE TABLE config_gens(generation INTEGER PRIMARY KEY, instance_id TEXT NOT NULL, at TEXT NOT NULL, changed TEXT NOT NULL) STRICT;
CREATE TABLE outbox(seq INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, ac_id TEXT NOT NULL, fence INTEGER NOT NULL, payload TEXT NOT NULL, pushed_at TEXT) STRICT;
CREATE INDEX outbox_pending ON outbox(seq) WHERE pushed_at IS NULL;
CREATE TABLE quarantine(seq INTEGER PRIMARY KEY, at TEXT NOT NULL, source TEXT NOT NULL, key TEXT NOT NULL, row TEXT NOT NULL, why TEXT NOT NULL) STRICT;
`;

const STEPS: readonly string[] = [VERSION_1];
export const SCHEMA_VERSION = STEPS.length;
export const TABLES = [
  'instances',
  'runs',
  'ac_results',
  'resume_map',
  'procs',
  'worktrees',
  'warm',
  'sweep_reports',
  'reap_events',
  'config_gens',
  'outbox',
  'quarantine',
] as const;

/** Brings the tables up to this program's version. Gives the version found when it is newer than this program, else null. */
export function migrate(database: Database): number | null {
  const version = Number(database.sql('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > SCHEMA_VERSION) return version;
  if (version < SCHEMA_VERSION) {
    database.transaction(() => {
      // Another process may have done it between the question and the lock.
      const now = Number(database.sql('PRAGMA user_version').get()?.['user_version'] ?? 0);
      for (const step of STEPS.slice(now)) database.exec(step);
      database.exec(`PRAGMA user_version=${SCHEMA_VERSION}`);
    });
  }
  return null;
}

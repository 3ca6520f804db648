/** The worktree ledger: ownership is written before the folder exists. */
import type { Database, Row } from './database.js';
import { text } from './rows.js';
import type { WorktreeRow, WorktreeState } from './types.js';

const row = (found: Row): WorktreeRow => ({
  path: text(found, 'path'),
  run_id: text(found, 'run_id'),
  instance_id: text(found, 'instance_id'),
  repo: text(found, 'repo'),
  commit_sha: text(found, 'commit_sha'),
  nonce: text(found, 'nonce'),
  reason: text(found, 'reason'),
  state: text(found, 'state') as WorktreeState, // written below alone
});

export const intendWorktree = (database: Database, worktree: Omit<WorktreeRow, 'state'>): void =>
  void database
    .sql(`INSERT INTO worktrees(path, run_id, instance_id, repo, commit_sha, nonce, reason, state)
    VALUES(:path, :run_id, :instance_id, :repo, :commit_sha, :nonce, :reason, 'intended')
    ON CONFLICT(path) DO UPDATE SET run_id=:run_id, instance_id=:instance_id, repo=:repo, commit_sha=:commit_sha, nonce=:nonce, reason=:reason, state='intended'`)
    .run({ ...worktree });

export const setWorktree = (database: Database, path: string, state: WorktreeState): void =>
  void database.sql('UPDATE worktrees SET state=:state WHERE path=:path').run({ path, state });

/** All that may still be on disk. */
export const openWorktrees = (database: Database): readonly WorktreeRow[] =>
  database.sql("SELECT * FROM worktrees WHERE state<>'gone' ORDER BY rowid").all().map(row);

export const forgetWorktrees = (database: Database, keep: number): void =>
  void database
    .sql(
      "DELETE FROM worktrees WHERE state='gone' AND rowid NOT IN (SELECT rowid FROM worktrees WHERE state='gone' ORDER BY rowid DESC LIMIT :keep)",
    )
    .run({ keep });

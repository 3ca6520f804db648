/** How our worktrees are named and marked. Spawn, sweep and tests share these constants. */
import { join } from 'node:path';

export const WORKTREE_PREFIX = 'verify-';
export const TRASH = '.trash';
const MARK = 'coherence:v1';

export const worktreesBase = (stateFolder: string): string => join(stateFolder, 'worktrees');
export const worktreeName = (runId: string, attempt: number): string => `${WORKTREE_PREFIX}${runId}-${attempt}`;
export const manifestPath = (worktree: string): string => `${worktree}.manifest.json`;

export interface LockReason {
  readonly instance: string;
  readonly run: string;
  readonly nonce: string;
}

export const formatLockReason = (reason: LockReason): string =>
  `${MARK} instance=${reason.instance} run=${reason.run} nonce=${reason.nonce}`;

/** Null for a reason that somebody else wrote. */
export function parseLockReason(text: string): LockReason | null {
  const match = /^coherence:v1 instance=(\S+) run=(\S+) nonce=(\S+)$/.exec(text.trim());
  // The pattern has these groups.
  return match === null ? null : { instance: match[1] as string, run: match[2] as string, nonce: match[3] as string };
}

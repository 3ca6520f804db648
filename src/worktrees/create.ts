/**
 * Worktrees of our own, with no gap in which one exists and nobody knows whose it is: ledger row, manifest, and only then
 * the folder, created locked with a reason that names its owner.
 */
import { mkdir, realpath, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, exists } from '../util/files.js';
import { failpoint } from '../util/failpoint.js';
import { git } from '../util/git.js';
import { newNonce } from '../util/process.js';
import { oneAtATime, removeEntries } from './entries.js';
import type { Owner, WorktreeLedger } from './ledger.js';
import { writeManifest } from './manifest.js';
import { formatLockReason, manifestPath, worktreeName } from './names.js';
import { deleteTree, moveToTrash } from './trash.js';

export interface WorktreeRequest {
  /** Any folder of the repository's main checkout. */
  readonly repo: string;
  /** A full commit id. */
  readonly commit: string;
  readonly runId: string;
  readonly attempt: number;
  /** Leave it where it is when it is released, and tell every later sweep to. */
  readonly keep?: boolean;
}

export interface Worktree extends AsyncDisposable {
  readonly path: string;
  readonly commit: string;
  /** Takes it away: rename, git's entry, manifest; the deletion itself goes on in the background. Never rejects; idempotent. */
  release(): Promise<void>;
}

export type WorktreeTrouble = {
  readonly kind: 'disk-full' | 'git-missing' | 'no-commit' | 'other';
  readonly message: string;
};
export type WorktreeResult =
  | { readonly ok: true; readonly worktree: Worktree }
  | { readonly ok: false; readonly trouble: WorktreeTrouble };

export interface WorktreesOptions {
  /** `<state>/worktrees`. */
  readonly base: string;
  readonly owner: Owner;
  readonly ledger: WorktreeLedger;
  /** Called with the promise of a background deletion, so that the owner can wait for it before it exits. */
  readonly onBackground?: (work: Promise<unknown>) => void;
}

export interface Worktrees {
  create(request: WorktreeRequest, signal?: AbortSignal): Promise<WorktreeResult>;
}

/**
 * git says only that it could not write a file, and takes the half worktree away before it exits: whether the disk was too
 * small is asked by comparing what the commit holds with what is free.
 */
async function wasTooSmall(repo: string, commit: string, folder: string): Promise<boolean> {
  const [listed, free] = await Promise.all([
    git(repo, ['ls-tree', '-r', '-l', '--full-tree', commit]),
    statfs(folder).then(
      (found) => found.bavail * found.bsize,
      () => Number.MAX_SAFE_INTEGER,
    ),
  ]);
  const bytes = listed.stdout
    .split('\n')
    .reduce((sum, line) => sum + Number(/^\d+ \w+ [0-9a-f]+\s+(\d+)\t/.exec(line)?.[1] ?? 0), 0);
  return listed.ok && bytes > free;
}

function troubleOf(stderr: string): WorktreeTrouble {
  const message = stderr.trim().split('\n').at(-1) ?? 'git worktree add failed';
  if (/No space left on device|Disk quota exceeded/i.test(stderr)) return { kind: 'disk-full', message };
  if (/invalid reference|not a commit|bad object|unable to read tree|reference is not a tree/i.test(stderr))
    return { kind: 'no-commit', message };
  return { kind: 'other', message };
}

export function worktrees(options: WorktreesOptions): Worktrees {
  const { ledger, owner } = options;

  const remove = async (path: string, repo: string): Promise<void> => {
    ledger.set(path, 'releasing');
    const moved = await moveToTrash(path);
    failpoint('K13');
    await removeEntries(repo, [path]);
    if (!moved.ok && moved.code !== 'ENOENT') {
      // Somebody else's files are in it: the next sweep reports and retries it.
      ledger.set(path, 'foreign_owned');
      return;
    }
    await unlink(manifestPath(path)).catch(() => undefined);
    ledger.set(path, moved.ok ? 'trashed' : 'gone');
    if (!moved.ok) return;
    const deletion = deleteTree(moved.trashed)
      .then(() => ledger.set(path, 'gone'))
      .catch(() => undefined);
    options.onBackground?.(deletion);
  };

  return {
    create: async (request, signal) => {
      try {
        await mkdir(options.base, { recursive: true, mode: 0o700 });
      } catch (error) {
        return {
          ok: false,
          trouble: { kind: errorCode(error) === 'ENOSPC' ? 'disk-full' : 'other', message: String(error) },
        };
      }
      // git keeps real paths; the ledger must hold the same ones.
      const path = join(await realpath(options.base), worktreeName(request.runId, request.attempt));
      // git would refuse too, but what follows a failed add takes the folder away, and this one is somebody's.
      if (await exists(path)) return { ok: false, trouble: { kind: 'other', message: `${path} exists already` } };
      const nonce = newNonce();
      const reason = formatLockReason({ instance: owner.instanceId, run: request.runId, nonce });
      ledger.intend({
        path,
        run_id: request.runId,
        instance_id: owner.instanceId,
        repo: request.repo,
        commit_sha: request.commit,
        nonce,
        reason,
      });
      try {
        await writeManifest({
          schema: 'coherence.worktree/1',
          path,
          repo: request.repo,
          commit: request.commit,
          run: request.runId,
          instance: owner.instanceId,
          nonce,
          owner: owner.identity,
        });
      } catch (error) {
        ledger.set(path, 'gone');
        return {
          ok: false,
          trouble: { kind: errorCode(error) === 'ENOSPC' ? 'disk-full' : 'other', message: String(error) },
        };
      }
      failpoint('K4');
      const added = await oneAtATime(request.repo, async () =>
        git(request.repo, ['worktree', 'add', '--detach', '--lock', '--reason', reason, path, request.commit], {
          nonce,
          onStart: () => failpoint('K5'),
          ...(signal === undefined ? {} : { signal }),
        }),
      );
      if (!added.ok) {
        await remove(path, request.repo);
        const trouble = troubleOf(added.stderr);
        if (added.end.spawnError?.code === 'ENOENT')
          return { ok: false, trouble: { kind: 'git-missing', message: 'git was not found' } };
        if (trouble.kind === 'other' && (await wasTooSmall(request.repo, request.commit, options.base)))
          return { ok: false, trouble: { kind: 'disk-full', message: 'no space left for the worktree' } };
        return { ok: false, trouble };
      }
      ledger.set(path, request.keep === true ? 'kept' : 'live');
      failpoint('K6');
      let released: Promise<void> | null = null;
      const release = async (): Promise<void> => {
        if (request.keep === true) return;
        released ??= remove(path, request.repo);
        await released;
      };
      return { ok: true, worktree: { path, commit: request.commit, release, [Symbol.asyncDispose]: release } };
    },
  };
}

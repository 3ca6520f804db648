/**
 * Making a shared target directory forget one tree's own packages before it builds another tree. Members of two
 * worktrees have the same hash in cargo's eyes, and freshness is by mtime: without this the broken worktree is "fresh".
 * Dependencies from a registry or a git revision never change under one version and stay.
 */
import { lutimes, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gitLine } from '../../util/git.js';
import { readMetadata, type Package } from './metadata.js';

export interface CargoAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs cargo in the tree with CARGO_TARGET_DIR set; a place's `exec` or a plain process. */
export type RunCargo = (args: readonly string[]) => Promise<CargoAnswer>;

export type Purge =
  | { readonly ok: true; readonly members: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** The git top level of a folder, or the folder itself outside of git. */
export const topLevel = async (folder: string): Promise<string> =>
  (await gitLine(folder, ['rev-parse', '--show-toplevel'])) ?? folder;

/** Packages whose sources can change without their version changing: those from a path, and all below the tree's top. */
export const inTree = (packages: readonly Package[], top: string): readonly Package[] =>
  packages.filter((entry) => entry.source === null || entry.manifestPath.startsWith(`${top}/`));

/** Removes from the target directory what must be built from this tree's own sources. The caller holds the directory's lock. */
export async function purgeTree(options: {
  readonly run: RunCargo;
  readonly top: string;
  readonly locked: boolean;
}): Promise<Purge> {
  const locked = options.locked ? ['--locked'] : [];
  // With dependencies: a path dependency that the workspace excludes is in no other list.
  const answer = await options.run(['metadata', '--format-version', '1', ...locked]);
  const metadata = answer.ok ? readMetadata(answer.stdout) : null;
  if (metadata === null) return { ok: false, message: answer.stderr };
  const members = inTree(metadata.packages, options.top);
  const names = [...new Set(members.map((entry) => entry.name))].sort();
  if (names.length > 0) {
    const cleaned = await options.run(['clean', ...locked, ...names.flatMap((name) => ['--package', name])]);
    if (!cleaned.ok) return { ok: false, message: cleaned.stderr };
  }
  return { ok: true, members: members.map((entry) => entry.id) };
}

/** Sets every file of a worktree of our own to now, so that no mtime in it is older than anything cargo knows. Never for a user's tree. */
export async function touchTree(folder: string, now: Date = new Date()): Promise<number> {
  let touched = 0;
  const visit = async (path: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    if (entries.some((entry) => entry.name === 'CACHEDIR.TAG')) return;
    await Promise.all(
      entries
        .filter((entry) => !entry.isDirectory() && entry.name !== '.git')
        .map(async (entry) => {
          await lutimes(join(path, entry.name), now, now).then(
            () => (touched += 1),
            () => undefined,
          );
        }),
    );
    for (const entry of entries) if (entry.isDirectory() && entry.name !== '.git') await visit(join(path, entry.name));
  };
  await visit(folder);
  return touched;
}

/** True in a linked worktree of git (made by `git worktree add`): a main checkout is the user's and is never touched. */
export async function isLinkedWorktree(folder: string): Promise<boolean> {
  const [own, common] = await Promise.all([
    gitLine(folder, ['rev-parse', '--absolute-git-dir']),
    gitLine(folder, ['rev-parse', '--path-format=absolute', '--git-common-dir']),
  ]);
  return own !== null && common !== null && own !== common;
}

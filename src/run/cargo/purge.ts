/**
 * Making a shared target directory forget one tree's own packages before it builds another tree. Members of two
 * worktrees have the same hash in cargo's eyes, and freshness is by mtime: without this the broken worktree is "fresh".
 *
 * Dependencies from a registry or a git revision never change under one version and stay. Packages of a vendored folder
 * inside the tree can change under one version: their content hashes are kept with the directory, and one that differs
 * from what was compiled is forgotten as well.
 */
import { lutimes, readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomically } from '../../util/files.js';
import { gitLine } from '../../util/git.js';
import { hashFields, sha256File } from '../../util/hash.js';
import { asText, parseObject } from './json.js';
import { readMetadata, type Package } from './metadata.js';

export interface CargoAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs cargo in the tree with CARGO_TARGET_DIR set; a place's `exec` or a plain process. */
export type RunCargo = (args: readonly string[]) => Promise<CargoAnswer>;

export type Purge =
  | { readonly ok: true; readonly members: readonly string[]; readonly vendored: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly message: string };

const vendoredFile = (targetDirectory: string): string => join(targetDirectory, '.coherence-vendored.json');

async function readVendored(targetDirectory: string): Promise<Map<string, string>> {
  const content = parseObject(await readFile(vendoredFile(targetDirectory), 'utf8').catch(() => ''));
  const found = new Map<string, string>();
  for (const [id, value] of Object.entries(content ?? {})) {
    const hash = asText(value);
    if (hash !== null) found.set(id, hash);
  }
  return found;
}

/** Content hash of a folder: names and bytes of all its files, links by name only. */
async function hashFolder(folder: string): Promise<string> {
  const fields: string[] = [];
  const visit = async (path: string, name: string): Promise<void> => {
    const entries = (await readdir(path, { withFileTypes: true }).catch(() => [])).sort((left, right) => (left.name < right.name ? -1 : 1));
    for (const entry of entries) {
      const below = `${name}/${entry.name}`;
      if (entry.isDirectory()) await visit(join(path, entry.name), below);
      else fields.push(below, entry.isFile() ? await sha256File(join(path, entry.name)).catch(() => 'unreadable') : 'link');
    }
  };
  await visit(folder, '');
  return hashFields(fields);
}

/** The git top level of a folder, or the folder itself outside of git. */
export const topLevel = async (folder: string): Promise<string> => (await gitLine(folder, ['rev-parse', '--show-toplevel'])) ?? folder;

/** In-tree packages: those from a path, and those of a vendored folder below the top level. */
export function inTree(packages: readonly Package[], top: string): { readonly members: readonly Package[]; readonly vendored: readonly Package[] } {
  const below = (entry: Package): boolean => entry.manifestPath.startsWith(`${top}/`);
  return { members: packages.filter((entry) => entry.source === null), vendored: packages.filter((entry) => entry.source !== null && below(entry)) };
}

/**
 * Removes from the target directory what must be built from this tree's own sources. The caller holds the directory's lock.
 * `metadata` is what `cargo metadata` **with** dependencies says about the tree.
 */
export async function purgeTree(options: { readonly run: RunCargo; readonly folder: string; readonly targetDirectory: string; readonly locked: boolean }): Promise<Purge> {
  const locked = options.locked ? ['--locked'] : [];
  const answer = await options.run(['metadata', '--format-version', '1', ...locked]);
  const metadata = answer.ok ? readMetadata(answer.stdout) : null;
  if (metadata === null) return { ok: false, message: answer.stderr };
  const { members, vendored } = inTree(metadata.packages, await topLevel(options.folder));
  const recorded = await readVendored(options.targetDirectory);
  const hashes = new Map<string, string>();
  const changed: Package[] = [];
  for (const entry of vendored) {
    const hash = await hashFolder(dirname(entry.manifestPath));
    hashes.set(entry.id, hash);
    if (recorded.get(entry.id) === hash) continue;
    // Forgotten before it is removed: a run that is killed in between must not leave a record of what is not there.
    recorded.delete(entry.id);
    changed.push(entry);
  }
  await writeAtomically(vendoredFile(options.targetDirectory), JSON.stringify(Object.fromEntries(recorded)));
  const names = [...new Set([...members, ...changed].map((entry) => entry.name))].sort();
  if (names.length > 0) {
    const cleaned = await options.run(['clean', ...locked, ...names.flatMap((name) => ['--package', name])]);
    if (!cleaned.ok) return { ok: false, message: cleaned.stderr };
  }
  return { ok: true, members: members.map((entry) => entry.id), vendored: hashes };
}

/** After a build from this tree under the same lock: what the vendored packages in the directory were compiled from. */
export async function recordVendored(targetDirectory: string, vendored: ReadonlyMap<string, string>, compiled: ReadonlySet<string>): Promise<void> {
  if (vendored.size === 0) return;
  const recorded = await readVendored(targetDirectory);
  for (const [id, hash] of vendored) if (compiled.has(id)) recorded.set(id, hash);
  await writeAtomically(vendoredFile(targetDirectory), JSON.stringify(Object.fromEntries(recorded)));
}

/** Sets every file of a worktree of our own to now, so that no mtime in it is older than anything cargo knows. Never for a user's tree. */
export async function touchTree(folder: string, now: Date = new Date()): Promise<number> {
  let touched = 0;
  const visit = async (path: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    if (entries.some((entry) => entry.name === 'CACHEDIR.TAG')) return;
    await Promise.all(entries.filter((entry) => !entry.isDirectory() && entry.name !== '.git').map(async (entry) => {
      await lutimes(join(path, entry.name), now, now).then(() => (touched += 1), () => undefined);
    }));
    for (const entry of entries) if (entry.isDirectory() && entry.name !== '.git') await visit(join(path, entry.name));
  };
  await visit(folder);
  return touched;
}

/** True in a linked worktree of git (made by `git worktree add`): a main checkout is the user's and is never touched. */
export async function isLinkedWorktree(folder: string): Promise<boolean> {
  const [own, common] = await Promise.all([gitLine(folder, ['rev-parse', '--absolute-git-dir']), gitLine(folder, ['rev-parse', '--path-format=absolute', '--git-common-dir'])]);
  return own !== null && common !== null && own !== common;
}

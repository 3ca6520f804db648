/** Installed dependencies of a checkout (or of the cache) seen from a worktree, without letting tools write back into them. */
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders that tools keep caches in, inside node_modules: they get a fresh one in the worktree. */
const TOOL_CACHES = new Set(['.cache', '.vite', '.vite-temp', '.vitest', '.vitest-attachments', '.tmp']);

/** node_modules entry by entry, so that a tool's cache beside the packages is the worktree's own; a .venv as a whole. */
export async function linkInstalled(from: string, to: string, kind: 'node_modules' | '.venv'): Promise<void> {
  if (kind === '.venv') {
    await symlink(from, to);
    return;
  }
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    if (TOOL_CACHES.has(name)) continue;
    await symlink(join(from, name), join(to, name));
  }
}

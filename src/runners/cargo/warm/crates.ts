/** Which folders of a repository are roots of cargo workspaces: the root itself, else the nearest ones below it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const SKIPPED = new Set(['target', 'node_modules', 'vendor', 'fixtures', 'testdata']);
const DEEPEST = 3;

export async function crateRoots(repo: string): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    if (entries.some((entry) => entry.isFile() && entry.name === 'Cargo.toml')) {
      found.push(folder);
      return;
    }
    if (depth === DEEPEST) return;
    for (const entry of entries)
      if (entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name))
        await visit(join(folder, entry.name), depth + 1);
  };
  await visit(repo, 0);
  return found.sort();
}

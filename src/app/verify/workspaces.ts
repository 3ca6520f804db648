/** Which packages belong to a workspace, as npm, yarn, bun (`workspaces`) and pnpm (`pnpm-workspace.yaml`) say it. Nothing is executed. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path/posix';
import { plainYaml } from '../../catalog/index.js';
import type { Json } from '../../model/index.js';
import type { Workspaces } from '../../worktrees/dependencies/index.js';
import { ignoreMatcher } from '../../sources/index.js';

const strings = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
const field = (value: Json | undefined, key: string): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)[key]
    : undefined;

/** The patterns that a manifest names members by; none where it says nothing or cannot be read (its package manager says why). */
function patternsIn(path: string, text: string): readonly string[] {
  const value = plainYaml(text, path); // JSON is YAML
  if (basename(path) === 'pnpm-workspace.yaml') return strings(field(value, 'packages'));
  const workspaces = field(value, 'workspaces');
  return Array.isArray(workspaces) ? strings(workspaces) : strings(field(workspaces, 'packages'));
}

const folderOf = (path: string): string => (dirname(path) === '.' ? '' : dirname(path));

/** @param tree absolute; @param paths of its files */
export async function workspacesOf(tree: string, paths: readonly string[]): Promise<Workspaces> {
  const packages = paths.filter((path) => basename(path) === 'package.json');
  const members = new Map<string, string>();
  for (const path of [...packages, ...paths.filter((name) => basename(name) === 'pnpm-workspace.yaml')]) {
    const text = await readFile(join(tree, path), 'utf8').catch(() => '');
    if (!/workspaces|packages/u.test(text)) continue;
    const patterns = patternsIn(path, text).map((pattern) => `${pattern.replace(/\/+$/u, '')}/package.json`);
    const takes = ignoreMatcher(patterns.filter((pattern) => !pattern.startsWith('!')));
    const leaves = ignoreMatcher(
      patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1)),
    );
    const root = folderOf(path);
    for (const manifest of packages) {
      const folder = folderOf(manifest);
      const below = root === '' ? manifest : manifest.startsWith(`${root}/`) ? manifest.slice(root.length + 1) : null;
      if (below === null || folder === root || !takes(below) || leaves(below)) continue;
      members.set(folder, root);
    }
  }
  return members;
}

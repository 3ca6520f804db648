/**
 * Whether something installed leads back into the checkout: a workspace symlink, `file:` dependency, `npm link`, `.pth` or
 * editable install. Through such a one the checkout's uncommitted code would run in a worktree of another commit.
 */
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';

const isBelow = (folder: string, path: string): boolean => path === folder || path.startsWith(folder + sep);

/** The first path that leads back into `checkout` (outside of `installed` itself), or null. Both must be real paths. */
export async function leadsBack(
  checkout: string,
  installed: string,
  kind: 'node_modules' | '.venv',
): Promise<string | null> {
  return kind === 'node_modules'
    ? nodeModulesLeadBack(checkout, installed, installed)
    : environmentLeadsBack(checkout, installed);
}

async function nodeModulesLeadBack(checkout: string, top: string, folder: string): Promise<string | null> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) {
      const target = await realpath(path).catch(async () => resolve(folder, await readlink(path)));
      if (isBelow(checkout, target) && !isBelow(top, target)) return path;
    } else if (entry.isDirectory()) {
      if (entry.name.startsWith('@') || entry.name === '.pnpm') {
        const inner = await nodeModulesLeadBack(checkout, top, path);
        if (inner !== null) return inner;
      } else {
        const inner = await nodeModulesLeadBack(checkout, top, join(path, 'node_modules'));
        if (inner !== null) return inner;
      }
    }
  }
  return null;
}

async function environmentLeadsBack(checkout: string, environment: string): Promise<string | null> {
  for (const version of await readdir(join(environment, 'lib')).catch(() => [] as string[])) {
    const packages = join(environment, 'lib', version, 'site-packages');
    for (const name of await readdir(packages).catch(() => [] as string[])) {
      const path = join(packages, name);
      if (name.endsWith('.pth') || name.endsWith('.egg-link') || name.startsWith('__editable__')) {
        const text = await readFile(path, 'utf8').catch(() => '');
        if (text.includes(checkout)) return path;
        if (name.startsWith('__editable__') || name.endsWith('.egg-link')) return path;
      }
      if (name.endsWith('.dist-info')) {
        const text = await readFile(join(path, 'direct_url.json'), 'utf8').catch(() => '');
        if (/"editable"\s*:\s*true/.test(text) || text.includes(`file://${checkout}`))
          return join(path, 'direct_url.json');
      }
    }
  }
  return null;
}

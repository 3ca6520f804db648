/** What a hot vitest rests on beside its modules: when it differs, the instance is made anew or forgets all its modules. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Around } from '../../../model/index.js';
import { findUp } from '../../../util/files.js';
import { git } from '../../../util/git.js';
import { hashFields, sha256 } from '../../../util/hash.js';

/** Files whose content decides how everything else is read. */
const DECISIVE =
  /^(?:package\.json|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|yarn\.lock|bun\.lockb?|\.npmrc|\.env(?:\..*)?|[jt]sconfig.*\.json|vite(?:st)?\.(?:config|workspace|projects)\..+|\.browserslistrc|\.babelrc.*|babel\.config\..+|svelte\.config\..+|postcss\.config\..+)$/;

const contentHash = async (path: string): Promise<string> => readFile(path).then(sha256, () => 'absent');

/** Variables that differ from one call to the next and that no configuration should read. */
const VOLATILE =
  /^(?:COHERENCE_.*|PWD|OLDPWD|SHLVL|_|TERM.*|COLORTERM|COLUMNS|LINES|WINDOWID|SSH_.*|STY|TMUX.*|LS_COLORS|WARM.*)$/;

export const isVolatile = (name: string): boolean => VOLATILE.test(name);

export interface Fingerprint {
  /** Configuration, lock files, installed packages, environment: another one needs another instance. */
  readonly instance: string;
  /** Names of all files: another one may resolve an import differently. */
  readonly names: string;
}

/** Apart from the fingerprint so that git can be asked while a run is still being prepared. Null outside git. */
export async function namesAround(folder: string): Promise<Around | null> {
  const root = await findUp(folder, '.git');
  const listed =
    root === null
      ? null
      : await git(root, ['ls-files', '-z', '-t', '--cached', '--others', '--deleted', '--exclude-standard']);
  if (root === null || listed?.ok !== true) return null;
  return { root, entries: [...new Set(listed.stdout.split('\0'))].filter((entry) => entry !== '').sort() };
}

/**
 * `extra` are files that the configuration itself was made of.
 * @param folder the folder that vitest runs in
 */
export async function fingerprint(
  folder: string,
  { root, entries }: Around,
  env: Readonly<Record<string, string>>,
  extra: readonly string[],
): Promise<Fingerprint> {
  const names = entries.map((entry) => entry.slice(2));
  const decisive = names.filter((name) => DECISIVE.test(basename(name))).map((name) => join(root, name));
  const installed = join(folder, 'node_modules', '.package-lock.json');
  const files = [
    ...new Set([
      ...decisive,
      ...extra,
      installed,
      join(folder, '.env'),
      join(folder, '.env.local'),
      join(folder, '.env.test'),
      join(folder, '.env.test.local'),
    ]),
  ].sort();
  const hashes = await Promise.all(files.map(contentHash));
  const modules = await stat(join(folder, 'node_modules')).then(
    (found) => `${found.ino}:${found.mtimeMs}`,
    () => '',
  );
  const variables = Object.entries(env)
    .filter(([name]) => !isVolatile(name))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flat();
  return {
    instance: hashFields([
      'vitest',
      folder,
      modules,
      ...files.flatMap((file, index) => [file, hashes[index] ?? '']),
      'env',
      ...variables,
    ]),
    names: hashFields(entries),
  };
}

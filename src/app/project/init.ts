/** `init`: manifest, specs/, ignore file. Executes nothing of the project; running it again changes nothing that is there. */
import { appendFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import { failure, success, type Result } from '../../model/index.js';
import { exists } from '../../util/files.js';
import { gitLine } from '../../util/git.js';

export interface Initialised {
  readonly root: string;
  /** Paths that were made, relative to the root. */
  readonly made: readonly string[];
  readonly kept: readonly string[];
  /** Runners that the project seems to use. */
  readonly runners: readonly string[];
}

const IGNORED = ['runs/', 'config.local.yaml', '*.tmp'];
const SLUG = /^[a-z0-9_-]{1,48}$/;

const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 48) || 'project';

/** Folders to look into: the root, and two levels below it, where workspaces keep their packages. */
async function foldersOf(root: string): Promise<readonly string[]> {
  const below = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .map((entry) => join(folder, entry.name));
  const first = await below(root);
  return [root, ...first, ...(await Promise.all(first.map(below))).flat()];
}

/** Runners by the files that name them; read as data. */
export async function runnersInUse(root: string): Promise<readonly string[]> {
  const found = new Set<string>();
  const folders = await foldersOf(root);
  for (const folder of folders) {
    const names = new Set(await readdir(folder).catch(() => [] as string[]));
    if (names.has('Cargo.toml')) found.add('cargo');
    if (names.has('go.mod')) found.add('go');
    if (['pytest.ini', 'pyproject.toml', 'setup.cfg', 'tox.ini', 'conftest.py'].some((name) => names.has(name)))
      found.add('pytest');
    const manifest = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null);
    if (manifest === null) continue;
    for (const name of ['vitest', 'jest', 'mocha', '@playwright/test'])
      if (manifest.includes(`"${name}"`)) found.add(name);
    if (/(?:node|tsx)\s+(?:[^"]*\s)?--test/.test(manifest)) found.add('node-test');
  }
  return [...found].sort();
}

export async function initProject(cwd: string, slug: string | undefined): Promise<Result<Initialised>> {
  const root = (await gitLine(cwd, ['rev-parse', '--show-toplevel'])) ?? cwd;
  const wanted = slug ?? slugOf(basename(root));
  if (!SLUG.test(wanted))
    return failure({
      kind: 'usage',
      message: `"${wanted}" cannot be a project slug.`,
      hint: 'Use 1 to 48 of a-z, 0-9, _ and -.',
    });
  const made: string[] = [];
  const kept: string[] = [];
  const note = async (path: string, make: () => Promise<void>): Promise<void> => {
    if (await exists(join(root, path))) kept.push(path);
    else {
      await make();
      made.push(path);
    }
  };
  await mkdir(join(root, '.coherence'), { recursive: true });
  await note('.coherence/project.toml', async () => {
    // Random, not derived from the path: two projects of one name never share a database, and no path gets out.
    const hash = createHash('sha256').update(randomBytes(16)).digest('hex').slice(0, 12);
    await writeFile(
      join(root, '.coherence/project.toml'),
      `project_slug = "${wanted}"\nproject_hash = "${hash}"\ndolt_db_name = "${`${wanted}_${hash}`.slice(0, 48)}"\n`,
    );
  });
  await note('.coherence/.gitignore', async () =>
    writeFile(join(root, '.coherence/.gitignore'), `${IGNORED.join('\n')}\n`),
  );
  if (kept.includes('.coherence/.gitignore')) {
    const there = (await readFile(join(root, '.coherence/.gitignore'), 'utf8')).split(/\r?\n/);
    const lacking = IGNORED.filter((line) => !there.includes(line));
    if (lacking.length > 0)
      await appendFile(
        join(root, '.coherence/.gitignore'),
        `${there.at(-1) === '' ? '' : '\n'}${lacking.join('\n')}\n`,
      );
  }
  await note('specs', async () => void (await mkdir(join(root, 'specs'))));
  return success({ root, made, kept, runners: await runnersInUse(root) });
}

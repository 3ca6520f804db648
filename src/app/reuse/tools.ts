/** What tests rest on outside their repository: programs, interpreters with what is installed for them, settings in home folders. */
import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Case } from '../../model/index.js';
import { orNull } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';
import { capture, findProgram } from '../../util/process.js';

type Env = Readonly<Record<string, string | undefined>>;

export interface ToolContext {
  readonly root: string;
  readonly env: Env;
}

/** What a file is: where its links end, size, times, inode. */
const identityOf = (path: string): string => {
  const stat = orNull(() => statSync(path, { bigint: true }));
  return stat === null ? 'absent' : `${stat.mode} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino} ${stat.dev}`;
};

/** Every program that a line or a test may call by its name: a folder of PATH with what each of its links ends at. */
function programsOf(path: string | undefined): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of new Set((path ?? '').split(delimiter))) {
    if (!isAbsolute(folder)) continue;
    const names = orNull(() => readdirSync(folder));
    if (names === null) continue;
    const text = names.sort().map((name) => `${name}\0${identityOf(join(folder, name))}\0`);
    found.set(`programs of ${folder}`, sha256(text.join('')).slice(0, 24));
  }
  return found;
}

function homeSettings(env: Env): Map<string, string> {
  const found = new Map<string, string>();
  const home = env['HOME'] ?? '';
  if (home === '') return found;
  const config = env['XDG_CONFIG_HOME'] ?? join(home, '.config');
  const cargo = env['CARGO_HOME'] ?? join(home, '.cargo');
  const paths = [
    env['GIT_CONFIG_GLOBAL'] ?? join(home, '.gitconfig'),
    join(config, 'git', 'config'),
    join(home, '.npmrc'),
    join(cargo, 'config.toml'),
    join(cargo, 'config'),
    join(config, 'go', 'env'),
  ];
  for (const path of paths) {
    const bytes = orNull(() => (statSync(path).isFile() ? readFileSync(path) : null));
    if (bytes !== null) found.set(path, sha256(bytes).slice(0, 24));
  }
  return found;
}

/** A listing of installed distributions outside the repository, by stat data, two folders deep: every file of a package lies there. */
function packagesIn(folder: string): string {
  let text = '';
  const queue = [folder];
  for (let at = queue.pop(); at !== undefined; at = queue.pop())
    for (const entry of orNull(() => readdirSync(at, { withFileTypes: true })) ?? []) {
      if (entry.name === '__pycache__') continue;
      const path = join(at, entry.name);
      if (entry.isDirectory()) queue.push(path);
      else text += `${path}\0${identityOf(path)}\0`;
    }
  return sha256(text).slice(0, 24);
}

const PROBE =
  'import sys,json,site;print(json.dumps([sys.version,sys.executable]+site.getsitepackages()+[site.getusersitepackages()]))';

/** Python's own identity and its installed distributions: the programs that the pytest runner may choose, all of them. */
async function pythonTools(context: ToolContext, configured: string | null): Promise<Map<string, string> | null> {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  const candidates = [
    ...(configured === null ? [] : [configured]),
    join(context.root, '.venv', 'bin', 'python'),
    join(context.root, 'venv', 'bin', 'python'),
    'python3',
    'python',
  ];
  for (const candidate of candidates) {
    const program = await findProgram(candidate, context.env['PATH']);
    if (program === null || seen.has(program)) continue;
    seen.add(program);
    const answer = await capture({ command: [program, '-c', PROBE], cwd: '/', env: context.env, timeoutMs: 10_000 });
    const values = answer.ok ? orNull(() => JSON.parse(answer.stdout) as unknown) : null;
    if (!Array.isArray(values)) return null;
    const [version = '', executable = '', ...folders] = values.map(String);
    const real = orNull(() => realpathSync.native(executable)) ?? executable;
    found.set(`python ${program}`, `${version} ${real} ${identityOf(real)}`);
    // What lies in the project is walked with it.
    for (const folder of folders)
      if (!folder.startsWith(`${context.root}/`)) found.set(`packages in ${folder}`, packagesIn(folder));
  }
  return found.size === 0 ? null : found;
}

async function versionOf(context: ToolContext, folder: string, command: readonly string[]): Promise<string | null> {
  const answer = await capture({ command, cwd: join(context.root, folder), env: context.env, timeoutMs: 20_000 });
  return answer.ok ? answer.stdout : null;
}

export interface Tools {
  /** What every case rests on. */
  readonly common: ReadonlyMap<string, string>;
  /** What a case's own runner adds; null when it cannot be told, and then nothing of it is reused. */
  of(entry: Case): Promise<ReadonlyMap<string, string> | null>;
}

const folderOf = (file: string): string => (file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '');

/** @param python `backends.python.bin` */
export function toolsOf(context: ToolContext, python: string | null): Tools {
  const made = new Map<string, Promise<ReadonlyMap<string, string> | null>>();
  const once = async (
    key: string,
    make: () => Promise<ReadonlyMap<string, string> | null>,
  ): Promise<ReadonlyMap<string, string> | null> => {
    const there = made.get(key) ?? make();
    made.set(key, there);
    return there;
  };
  return {
    common: new Map([
      ['node', `${process.version} ${process.platform} ${process.arch} ${identityOf(process.execPath)}`],
      ...programsOf(context.env['PATH']),
      ...homeSettings(context.env),
    ]),
    of: async (entry) => {
      if (entry.runner === 'pytest') return once('pytest', async () => pythonTools(context, python));
      if (entry.runner !== 'cargo') return new Map();
      const folder = folderOf(entry.file);
      return once(`cargo ${folder}`, async () => {
        const rustc = await versionOf(context, folder, ['rustc', '-vV']);
        return rustc === null ? null : new Map([['rustc', rustc]]);
      });
    },
  };
}

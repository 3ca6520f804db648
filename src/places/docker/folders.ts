/** A run's own folder below the state folder: frozen source, workspaces, builds. It says whose it is. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../util/files.js';
import { ownerState, type Owner } from './owner.js';

export const runsFolder = (stateFolder: string): string => join(stateFolder, 'docker', 'runs');

const OWNER = 'owner.json';
/** A folder without an owner is either being made right now or was left between two statements. */
const UNOWNED_AGE_MS = 24 * 3_600_000;

const refuseOther = (error: unknown): boolean => {
  if (errorCode(error) === 'EEXIST') return false;
  throw error;
};

/** Not readable for other users: the source may be private. */
export async function makeRunFolder(stateFolder: string, owner: Owner): Promise<string> {
  await mkdir(runsFolder(stateFolder), { recursive: true, mode: 0o700 });
  let folder = join(runsFolder(stateFolder), owner.run);
  // A run may come here twice (a second look at its cases), and what the first time left may resist removal.
  for (let again = 2; !(await mkdir(folder, { mode: 0o700 }).then(() => true, refuseOther)); again += 1)
    folder = join(runsFolder(stateFolder), `${owner.run}-${again}`);
  await writeFile(join(folder, OWNER), JSON.stringify({ run: owner.run, process: owner.process }), { mode: 0o600 });
  return folder;
}

/** Notes an image that has the tools to hand files back, for a sweep after we were killed. */
export const noteImage = async (folder: string, image: string): Promise<void> =>
  writeFile(join(folder, 'image'), image, { mode: 0o600 });
export const notedImage = async (folder: string): Promise<string | null> =>
  readFile(join(folder, 'image'), 'utf8').catch(() => null);

/** Folders of runs whose process is dead. */
export async function deadRunFolders(stateFolder: string): Promise<string[]> {
  const dead: string[] = [];
  for (const name of await readdir(runsFolder(stateFolder)).catch(() => [] as string[])) {
    const folder = join(runsFolder(stateFolder), name);
    const text = await readFile(join(folder, OWNER), 'utf8').catch(() => null);
    if (text === null) {
      const age = await stat(folder).then(
        (found) => Date.now() - found.mtimeMs,
        () => 0,
      );
      if (age > UNOWNED_AGE_MS) dead.push(folder);
      continue;
    }
    const owner = parse(text);
    if (owner !== null && (await ownerState(owner.run, owner.process)) === 'dead') dead.push(folder);
  }
  return dead;
}

function parse(text: string): { readonly run: string; readonly process: string } | null {
  try {
    const value: unknown = JSON.parse(text);
    const run: unknown = Reflect.get(Object(value), 'run');
    const process: unknown = Reflect.get(Object(value), 'process');
    return typeof run === 'string' && typeof process === 'string' ? { run, process } : null;
  } catch {
    return null;
  }
}

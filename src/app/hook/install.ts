/** Installing and removing the hook. A hook that was there is kept, called, and given back. */
import { chmod, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '../../model/index.js';
import { exists, writeAtomically } from '../../util/files.js';
import { hooksFolder, warningFor, type HooksFolder } from './folder.js';
import { gateLine, owningFramework } from './frameworks.js';
import { hookScript, KEPT, MARK, projectsIn } from './script.js';

export interface Hook {
  /** Absolute path of the hook. */
  readonly path: string;
  readonly changed: boolean;
  readonly kept: boolean;
  /** What somebody must know about where the hook stands. */
  readonly warning?: string;
}

/** The text of our hook; null where there is none or another's. */
const ours = async (path: string): Promise<string | null> =>
  readFile(path, 'utf8').then(
    (text) => (text.includes(MARK) ? text : null),
    () => null,
  );

/** The projects that the hook judges, without those that are gone from this checkout's top. */
async function projectsOf(script: string, { top, project }: HooksFolder): Promise<readonly string[]> {
  const others: string[] = [];
  for (const folder of projectsIn(script))
    if (folder !== project && (folder !== '' || (await exists(join(top, '.coherence', 'project.toml')))))
      others.push(folder);
  return others;
}

const placeOf = async (root: string): Promise<Result<HooksFolder>> => hooksFolder(root, gateLine('', '"$1"'));

/** Idempotent. Failures: no repository, hooks outside it, or a framework that owns them (with the lines to add). */
export async function installHook(root: string): Promise<Result<Hook>> {
  const place = await placeOf(root);
  if (!place.ok) return place;
  const owner = await owningFramework(place.value);
  if (owner !== null) return failure(owner);
  const path = join(place.value.folder, 'pre-push');
  const before = join(place.value.folder, KEPT);
  await mkdir(place.value.folder, { recursive: true });
  const installed = await ours(path);
  const warning = await warningFor(place.value, path);
  const said = warning === null ? {} : { warning };
  if (installed !== null) {
    const script = hookScript([...(await projectsOf(installed, place.value)), place.value.project].toSorted());
    const changed = installed !== script;
    if (changed) await writeAtomically(path, script, 0o755);
    return success({ path, changed, kept: await exists(before), ...said });
  }
  // Renaming keeps bytes, mode and a symlink as they are; uninstall renames back.
  const present = (await lstat(path).catch(() => null)) !== null;
  if (present) await rename(path, before);
  await writeFile(path, hookScript([place.value.project]));
  await chmod(path, 0o755);
  return success({ path, changed: true, kept: present, ...said });
}

/** Gives back the bytes that were there, once no other project of the repository uses the hook. One that is not ours is left alone. */
export async function uninstallHook(root: string): Promise<Result<Hook>> {
  const place = await placeOf(root);
  if (!place.ok) return place;
  const path = join(place.value.folder, 'pre-push');
  const before = join(place.value.folder, KEPT);
  const installed = await ours(path);
  if (installed === null) return success({ path, changed: false, kept: false });
  const others = await projectsOf(installed, place.value);
  if (others.length > 0) {
    const script = hookScript(others);
    if (script !== installed) await writeAtomically(path, script, 0o755);
    return success({ path, changed: script !== installed, kept: false });
  }
  const kept = await lstat(before).then(
    () => true,
    () => false,
  );
  if (kept) await rename(before, path);
  else await rm(path);
  return success({ path, changed: true, kept });
}

/** The declared inputs of a set-up step: all that it sees of the project, and all of it in the layer's key. */
import { mkdir } from 'node:fs/promises';
import { matcher } from '../../run/glob.js';
import { copyListed, type Done } from './copy.js';
import { entryFields, type Frozen } from './source.js';

export interface Inputs {
  readonly paths: readonly string[];
  readonly folders: readonly string[];
  /** Path, mode and content of each. */
  readonly fields: readonly (string | null)[];
}

export type InputsResult =
  | { readonly ok: true; readonly inputs: Inputs }
  | { readonly ok: false; readonly message: string };

/** Reads the frozen source. An input that names nothing is an error: as a silent nothing it would stay nothing in the key. */
export async function resolveInputs(frozen: Frozen, declared: readonly string[]): Promise<InputsResult> {
  const paths = new Set<string>();
  const folders = new Set<string>();
  for (const pattern of declared) {
    const matches = matcher(pattern);
    const found = frozen.paths.filter(matches);
    const empty = frozen.folders.filter(matches);
    if (found.length === 0 && empty.length === 0)
      return {
        ok: false,
        message: `the input "${pattern}" matches nothing in the source (files that git ignores are not part of it)`,
      };
    for (const path of found) paths.add(path);
    for (const path of empty) folders.add(path);
  }
  const fields: (string | null)[] = [];
  for (const path of [...paths].sort()) fields.push(...(await entryFields(frozen.folder, path)));
  for (const path of [...folders].sort()) fields.push(path, 'folder', null, null);
  return { ok: true, inputs: { paths: [...paths].sort(), folders: [...folders].sort(), fields } };
}

/** Puts the inputs into a new folder, to be mounted read-only. Only for a layer that has to be built. */
export async function copyInputs(frozen: Frozen, inputs: Inputs, folder: string, signal: AbortSignal): Promise<Done> {
  await mkdir(folder, { mode: 0o755 });
  return copyListed(frozen.folder, inputs.paths, inputs.folders, folder, signal);
}

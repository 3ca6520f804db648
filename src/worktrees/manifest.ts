/** The file beside a worktree that says whose it is, for the case that the journal is lost. Written before the folder exists. */
import { readFile } from 'node:fs/promises';
import type { ProcessIdentity } from '../util/process.js';
import { writeAtomically } from '../util/files.js';
import { manifestPath } from './names.js';

export interface Manifest {
  readonly schema: 'coherence.worktree/1';
  readonly path: string;
  readonly repo: string;
  readonly commit: string;
  readonly run: string;
  readonly instance: string;
  readonly nonce: string;
  readonly owner: ProcessIdentity;
}

export const writeManifest = async (manifest: Manifest): Promise<void> =>
  writeAtomically(manifestPath(manifest.path), `${JSON.stringify(manifest)}\n`, 0o600);

/** Null when there is none, or it is not one of ours, or it speaks of another folder (copied there by somebody). */
export async function readManifest(worktree: string): Promise<Manifest | null> {
  const text = await readFile(manifestPath(worktree), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<Manifest>; // fields are checked below
    const strings = [value.path, value.repo, value.commit, value.run, value.instance, value.nonce];
    if (value.schema !== 'coherence.worktree/1' || strings.some((item) => typeof item !== 'string' || item === ''))
      return null;
    const owner = value.owner;
    if (typeof owner?.pid !== 'number' || typeof owner.startTicks !== 'number' || typeof owner.bootId !== 'string')
      return null;
    return value.path === worktree ? (value as Manifest) : null; // all fields were checked
  } catch {
    return null;
  }
}

/** What cargo's JSON stream proves about reuse, without looking at a clock. */
import { readFile } from 'node:fs/promises';
import { isPathPackage, readStream, unitKey } from '../stream.js';

export interface ReuseProof {
  /** Dependencies (not of this tree) that were taken from the warm directory. */
  readonly depsFresh: number;
  readonly depsTotal: number;
  /** Artifacts of this tree that were *not* compiled at their first appearance: must be 0. */
  readonly membersFresh: number;
}

/** Counts the first appearance of each artifact. `runJsonl` is the stream itself or the path of a file that holds it. */
export async function assertReuse(runJsonl: string): Promise<ReuseProof> {
  const text =
    runJsonl.trimStart().startsWith('{') || runJsonl.includes('\n') || runJsonl === ''
      ? runJsonl
      : await readFile(runJsonl, 'utf8');
  const seen = new Set<string>();
  let depsFresh = 0;
  let depsTotal = 0;
  let membersFresh = 0;
  for (const artifact of readStream(text).artifacts) {
    const key = unitKey(artifact);
    if (seen.has(key)) continue;
    seen.add(key);
    if (isPathPackage(artifact.packageId)) membersFresh += artifact.fresh ? 1 : 0;
    else {
      depsTotal += 1;
      depsFresh += artifact.fresh ? 1 : 0;
    }
  }
  return { depsFresh, depsTotal, membersFresh };
}

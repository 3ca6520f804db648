/**
 * The gate on the JSON stream of a shared target directory: after a purge every in-tree artifact must be compiled anew
 * (`fresh=false`) the first time it appears; under the same lock later `fresh=true` is right.
 */
import { isPathPackage, unitKey, type Artifact } from './stream.js';

/** Sources of such an artifact can change without its version changing. */
export const isInTree = (artifact: Artifact, top: string): boolean =>
  isPathPackage(artifact.packageId) || artifact.manifestPath.startsWith(`${top}/`);

export class FreshnessGate {
  readonly #compiled = new Set<string>();

  /** The artifacts of the tree at `top` (as cargo sees it) that cargo took from somebody else's build. */
  stale(artifacts: readonly Artifact[], top: string): readonly Artifact[] {
    const found: Artifact[] = [];
    for (const artifact of artifacts) {
      if (!isInTree(artifact, top)) continue;
      const key = unitKey(artifact);
      if (!artifact.fresh) this.#compiled.add(key);
      else if (!this.#compiled.has(key)) found.push(artifact);
    }
    return found;
  }
}

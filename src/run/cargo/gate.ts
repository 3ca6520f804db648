/**
 * The gate on the JSON stream of a shared target directory: after a purge every in-tree artifact must be compiled anew
 * (`fresh=false`) the first time it appears; under the same lock later `fresh=true` is right.
 */
import { unitKey, type Artifact, isPathPackage } from './stream.js';

export class FreshnessGate {
  readonly #compiled = new Set<string>();

  /** The in-tree artifacts that cargo took from somebody else's build. `purged`: ids of vendored packages that were forgotten too. */
  stale(artifacts: readonly Artifact[], purged: ReadonlySet<string> = new Set()): readonly Artifact[] {
    const found: Artifact[] = [];
    for (const artifact of artifacts) {
      if (!isPathPackage(artifact.packageId) && !purged.has(artifact.packageId)) continue;
      const key = unitKey(artifact);
      if (!artifact.fresh) this.#compiled.add(key);
      else if (!this.#compiled.has(key)) found.push(artifact);
    }
    return found;
  }
}

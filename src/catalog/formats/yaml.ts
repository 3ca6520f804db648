/** The catalog as a folder of spec files, one a spec. */
import type { Catalog } from '../../model/index.js';
import { formatSpec } from '../format.js';
import { specFileName } from '../ids.js';

/** File name (below the folder) → canonical text; sorted by name. For an empty folder: into existing files use `editSpecText`. */
export function writeYaml(catalog: Catalog): ReadonlyMap<string, string> {
  const files = catalog.specs.map((spec) => [specFileName(spec.id), formatSpec(spec)] as const);
  return new Map(files.sort(([left], [right]) => (left < right ? -1 : 1)));
}

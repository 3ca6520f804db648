/** What a check says about relations between specs that lead nowhere. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { placeInSpec } from '../catalog/index.js';
import {
  danglingRelations,
  DIAGNOSTIC_SEVERITY,
  type Catalog,
  type Diagnostic,
  type Position,
} from '../model/index.js';
import { nearest } from '../util/text.js';

/**
 * `unknown-id` for every relation to a spec that the catalog does not have, at its own line. The parsed catalog knows only where each
 * spec begins; the file is read again for the place, which costs nothing where no relation dangles.
 */
export async function relationDiagnostics(root: string, catalog: Catalog): Promise<readonly Diagnostic[]> {
  const ids = catalog.specs.map((spec) => spec.id);
  return Promise.all(
    danglingRelations(catalog).map(async ({ spec, field, index, target }): Promise<Diagnostic> => {
      const start: Position = spec.position ?? { file: 'specs', line: 1, column: 1 };
      const bytes = await readFile(join(root, start.file)).catch(() => null);
      const near = nearest(target, ids);
      return {
        code: 'unknown-id',
        severity: DIAGNOSTIC_SEVERITY['unknown-id'],
        ...((bytes === null ? null : placeInSpec(bytes, start.file, [field, index])) ?? start),
        message: `${field} of ${spec.id} names ${target}, which no spec file declares`,
        id: target,
        hint: near === null ? 'Add the spec, or remove the relation.' : `Did you mean ${near}?`,
      };
    }),
  );
}

import { lstat, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Catalog, Failure, Position } from '../model/index.js';
import { selectorPath } from './spec-shape.js';
import { quoted } from './yaml/index.js';

/**
 * Failures (`unsafe-path`) for paths of the catalog that leave the project through a symlink. By their text they were
 * judged when they were read. Each folder and file is looked at once, so that many links to few files cost little.
 */
export async function pathFailures(root: string, catalog: Catalog): Promise<Failure[]> {
  const realRoot = await realpath(root);
  const known = new Map<string, Promise<boolean>>();
  /** Whether the path, as far as it exists, stays inside. */
  const stays = (path: string): Promise<boolean> => {
    const before = known.get(path);
    if (before !== undefined) return before;
    const answer = (async (): Promise<boolean> => {
      const cut = path.lastIndexOf('/');
      if (cut > 0 && !(await stays(path.slice(0, cut)))) return false;
      const found = await lstat(join(realRoot, path)).catch(() => null);
      if (found === null || !found.isSymbolicLink()) return true;
      const real = await realpath(join(realRoot, path)).catch(() => null);
      return real !== null && (real === realRoot || real.startsWith(realRoot + sep));
    })();
    known.set(path, answer);
    return answer;
  };
  const failures: Failure[] = [];
  // Many links name few files: each is taken apart once, and asked about once, all of them at the same time.
  const literals = new Map<string, string>();
  for (const { path } of declaredPaths(catalog)) if (!literals.has(path)) literals.set(path, literal(path));
  const leaving = new Set<string>();
  await Promise.all([...new Set(literals.values())].map(async (path) => ((await stays(path)) ? undefined : leaving.add(path))));
  if (leaving.size === 0) return failures;
  for (const { path: written, position, id } of declaredPaths(catalog)) {
    const path = literals.get(written) ?? written;
    if (!leaving.has(path)) continue;
    failures.push({
      kind: 'unsafe-path',
      message: `${quoted(path)} of ${quoted(id)} leads out of the project through a symlink.`,
      hint: 'Name a file inside the project.',
      ...position,
    });
  }
  return failures;
}

interface DeclaredPath {
  readonly path: string;
  readonly id: string;
  readonly position: Partial<Position>;
}

/** Every path that a spec names, as it is written; of a selector only its path. */
function* declaredPaths(catalog: Catalog): Generator<DeclaredPath> {
  for (const spec of catalog.specs) {
    for (const criterion of spec.criteria ?? []) {
      const at = (text: string, position: Position | undefined): DeclaredPath => ({
        path: text,
        id: criterion.id,
        position: position ?? criterion.position ?? {},
      });
      for (const link of criterion.verified_by ?? []) {
        if (link.kind === 'test') yield at(selectorPath(link.target), link.position);
        for (const path of [...(link.inputs ?? []), ...(link.artifacts ?? [])]) yield at(path, link.position);
        if (link.expect?.report?.startsWith('junit:') === true) yield at(link.expect.report.slice('junit:'.length), link.position);
      }
      for (const link of criterion.implemented_by ?? []) yield at(selectorPath(link.code), link.position);
    }
  }
}

/** The part of a path or pattern before its first wildcard, without `.` segments and doubled separators. */
function literal(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  const wild = segments.findIndex((segment) => /[*?[\]{}!]/.test(segment));
  return (wild < 0 ? segments : segments.slice(0, wild)).join('/');
}

import { lstatSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Catalog, Criterion, Failure, Position } from '../model/index.js';
import { selectorPath } from './spec-shape.js';
import { quoted } from '../yaml/index.js';

/**
 * Failures (`unsafe-path`) for paths of the catalog that leave the project through a symlink. By their text they were
 * judged when they were read. Each folder and file is looked at once, so that many links to few files cost little.
 */
export async function pathFailures(root: string, catalog: Catalog): Promise<Failure[]> {
  const realRoot = await realpath(root);
  const known = new Map<string, boolean>();
  /** Whether the path, as far as it exists, stays inside. */
  const stays = async (path: string): Promise<boolean> => {
    const before = known.get(path);
    if (before !== undefined) return before;
    const cut = path.lastIndexOf('/');
    const parent = cut > 0 ? path.slice(0, cut) : '';
    const answer =
      (parent === '' || (known.get(parent) ?? (await stays(parent)))) &&
      (!isSymlink(join(realRoot, path)) || (await realInside(join(realRoot, path), realRoot)));
    known.set(path, answer);
    return answer;
  };
  // Many links name few files: each is taken apart once, and asked about once.
  const literals = new Map<string, string>();
  eachDeclaredPath(catalog, (path) => {
    if (!literals.has(path)) literals.set(path, literal(path));
  });
  const leaving = new Set<string>();
  let asked = 0;
  for (const path of new Set(literals.values())) {
    if (!(known.get(path) ?? (await stays(path)))) leaving.add(path);
    asked += 1;
    if (asked % A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const failures: Failure[] = [];
  if (leaving.size === 0) return failures;
  eachDeclaredPath(catalog, (written, criterion, position) => {
    const path = literals.get(written) ?? written;
    if (!leaving.has(path)) return;
    failures.push({
      kind: 'unsafe-path',
      message: `${quoted(path)} of ${quoted(criterion.id)} leads out of the project through a symlink.`,
      hint: 'Name a file inside the project.',
      ...(position ?? criterion.position),
    });
  });
  return failures;
}

/** Files looked at between two turns of the event loop: at once a look costs a fifth of an asynchronous one. */
const A_TURN = 500;

function isSymlink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    return false; // it cannot be looked at, so nothing can be read through it either
  }
}

async function realInside(path: string, realRoot: string): Promise<boolean> {
  const real = await realpath(path).catch(() => null);
  return real !== null && (real === realRoot || real.startsWith(realRoot + sep));
}

type VisitPath = (path: string, criterion: Criterion, position: Position | undefined) => void;

/** Every path that a spec names, as it is written; of a selector only its path. */
function eachDeclaredPath(catalog: Catalog, visit: VisitPath): void {
  for (const spec of catalog.specs) {
    for (const criterion of spec.criteria ?? []) {
      for (const link of criterion.verified_by ?? []) {
        if (link.kind === 'test') visit(selectorPath(link.target), criterion, link.position);
        for (const path of link.inputs ?? []) visit(path, criterion, link.position);
        for (const path of link.artifacts ?? []) visit(path, criterion, link.position);
        if (link.expect?.report?.startsWith('junit:') === true)
          visit(link.expect.report.slice('junit:'.length), criterion, link.position);
      }
      for (const link of criterion.implemented_by ?? []) visit(selectorPath(link.code), criterion, link.position);
    }
  }
}

/** The part of a path or pattern before its first wildcard, without `.` segments and doubled separators. */
function literal(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  const wild = segments.findIndex((segment) => /[*?[\]{}!]/.test(segment));
  return (wild < 0 ? segments : segments.slice(0, wild)).join('/');
}

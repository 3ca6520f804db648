/**
 * A pass is about a source. Where a file that a test rests on changed while tests ran, nobody knows which of the two it passed
 * on, so the pass is not believed: ERROR(infra), run again. Failures stay failures.
 */
import type { Project } from '../../config/index.js';
import type { Closure } from '../../closure/index.js';
import type { Case, Outcome } from '../../model/index.js';
import { readSource, type Source } from '../../sources/index.js';
import { isBelow } from '../../util/files.js';
import type { Analysis } from '../analysis/analyse.js';
import { projectClosures } from '../reuse/project-closures.js';

/** Where a test may read a whole folder, only these count: data that tests write is theirs to write. */
const CODE = /\.(?:[cm]?[jt]sx?|vue|svelte|py|pyi|rs|go|java|toml|lock|mod|sum|cfg|ini)$/u;

/** A run's own note; several units of one run say it once. */
export const CHANGED_MEANWHILE =
  'The source changed while the tests ran; this record is about the source as it was at the start.';

export interface Steady {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Nothing of the source changed while tests ran. */
  readonly unchanged: boolean;
  readonly notes: readonly string[];
  /** The tree as it was read last. */
  readonly source: Source;
}

function touched(closure: Closure | null, entry: Case, moved: readonly string[]): string | undefined {
  // A command without `inputs` may well write what git tracks, by design; what it rests on is nobody's knowledge.
  if (entry.runner === 'command' && (entry.inputs ?? null) === null) return undefined;
  if (closure === null) return moved.find((path) => CODE.test(path));
  return moved.find(
    (path) => closure.files.has(path) && (CODE.test(path) || !closure.folders.some((folder) => isBelow(folder, path))),
  );
}

/**
 * @param outcomes what the runners reported
 * @returns the same, but for passes whose files changed or went between the start of the run and now; new files are what tests leave behind
 */
export async function onlySteady(
  project: Project,
  analysis: Analysis,
  cases: readonly Case[],
  outcomes: ReadonlyMap<string, Outcome>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Steady> {
  // Nothing ran: then nothing could change under it, and cached verdicts were keyed by what was read.
  if (outcomes.size === 0) return { outcomes, unchanged: true, notes: [], source: analysis.source };
  const before = await analysis.source.contents();
  const later = await readSource(project.root);
  if ((await later.identity()).tree === (await analysis.source.identity()).tree)
    return { outcomes, unchanged: true, notes: [], source: later };
  const after = await later.contents();
  const moved = [...before].filter(([path, content]) => after.get(path) !== content).map(([path]) => path);
  const notes = [CHANGED_MEANWHILE];
  if (moved.length === 0) return { outcomes, unchanged: false, notes, source: later };
  const now = await projectClosures(project, later.files, env);
  const closureOf = await now.withGone(moved.filter((path) => !after.has(path)));
  const kept = new Map(outcomes);
  for (const entry of cases) {
    const outcome = outcomes.get(entry.id);
    if (outcome?.reason !== 'executed') continue;
    const path = touched(await closureOf(entry), entry, moved);
    if (path === undefined) continue;
    kept.set(entry.id, {
      ...outcome,
      reason: 'infra',
      proof: null,
      detail: `it passed, but ${path} changed while tests ran, so on which source is not known; run it again`,
    });
  }
  await now.save();
  return { outcomes: kept, unchanged: false, notes, source: later };
}

/**
 * `--changed[=REF]`: the criteria whose wording, links or tests differ between REF and the tree, or whose tests may rest on what
 * differs, each with why. A static closure says why a test was chosen; it never leaves one out: what a test rests on is known only
 * where its run was observed (docs/internals/reuse.md), so every other test is chosen by any change.
 */
import type { Project } from '../../config/index.js';
import type { Closure } from '../../closure/index.js';
import {
  failure,
  success,
  verdictOf,
  type Case,
  type Catalog,
  type Criterion,
  type Result,
  type TracedCriterion,
} from '../../model/index.js';
import { plan as planOf } from '../../plan/index.js';
import { changedFiles, listAtCommit, readBlobs, upstreamBase, type ChangedFile } from '../../sources/index.js';
import { parseSelector } from '../../trace/index.js';
import { isBelow } from '../../util/files.js';
import { canonicalJson } from '../../util/hash.js';
import type { Analysis } from '../analysis/analyse.js';
import { standingPasses } from './cache.js';
import { catalogOfCommit } from '../analysis/catalog-of-commit.js';
import { closuresOf, type ProjectClosures } from './project-closures.js';
import { runnerOfFile, testsOfFile } from '../analysis/runner-of-file.js';

const SYMLINK = '120000';
const SETTINGS = /(?:^|\/)\.coherence\/(?:config\.yaml|project\.toml)$/u;

interface Compared {
  /** Whether a cached PASS may clear a criterion whose tests rest on files that git does not follow. */
  readonly cached: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Criterion id → why it was chosen, in the graph's order. */
export async function changedCriteria(
  project: Project,
  analysis: Analysis,
  ref: string | true,
  options: Compared,
): Promise<Result<ReadonlyMap<string, string>>> {
  const base = ref === true ? await upstreamBase(project.root) : ref;
  if (base === null)
    return failure({
      kind: 'usage',
      message: 'This branch has no upstream to compare with.',
      hint: 'Name a commit: --changed=REF.',
    });
  const changed = await changedFiles(project.root, base);
  if (!changed.ok) return changed;
  const before = await whatWasBefore(project, analysis, base, changed.value);
  const closures = await closuresOf(project, analysis, options.env);
  const affected = await affectedBy(project, analysis, closures, changed.value, options);
  const chosen = new Map<string, string>();
  const settings = changed.value.find((file) => SETTINGS.test(file.path));
  for (const traced of analysis.graph.criteria) {
    const id = traced.criterion.id;
    const why = settings !== undefined ? `${settings.path} changed` : (before(traced) ?? (await affected(traced)));
    if (why !== null) chosen.set(id, why);
  }
  await closures.save();
  return success(chosen);
}

/** Why the wording of a criterion or what linked to it differs from the commit's. */
async function whatWasBefore(
  project: Project,
  analysis: Analysis,
  base: string,
  changed: readonly ChangedFile[],
): Promise<(traced: TracedCriterion) => string | null> {
  // Nothing differs, and git knows every spec file that was read: then the commit says what the tree says.
  const listed = new Set(analysis.source.files.filter((file) => file.mode !== SYMLINK).map((file) => file.path));
  if (changed.length === 0 && [...analysis.specFiles.values()].every((path) => listed.has(path))) return () => null;
  const catalog = await catalogOfCommit(project, base);
  const before = catalog.ok ? catalog.value : null; // one that cannot be read: every wording counts as changed
  const mentioned = await mentions(project.root, base, changed, analysis);
  return (traced) => whyWording(traced, before) ?? mentioned.get(traced.criterion.id) ?? null;
}

const withoutPositions = (criterion: Criterion): string =>
  canonicalJson(
    JSON.parse(JSON.stringify(criterion, (key, value: unknown) => (key === 'position' ? undefined : value))),
  );

function whyWording(traced: TracedCriterion, before: Catalog | null): string | null {
  if (before === null) return 'the specs of the compared commit cannot be read';
  const spec = before.specs.find((candidate) => candidate.id === traced.spec.id);
  const old = spec?.criteria?.find((criterion) => criterion.id === traced.criterion.id);
  if (spec === undefined || old === undefined) return 'the criterion is new';
  if (spec.status !== traced.spec.status || spec.level !== traced.spec.level)
    return `${spec.id} changed its status or level`;
  return withoutPositions(old) === withoutPositions(traced.criterion) ? null : 'its wording or declared links changed';
}

/** Criteria that a changed file mentioned before: their link may have gone with the change. */
async function mentions(
  root: string,
  base: string,
  changed: readonly ChangedFile[],
  analysis: Analysis,
): Promise<ReadonlyMap<string, string>> {
  const listed = await listAtCommit(root, base);
  if (!listed.ok) return new Map();
  const old = new Set(changed.flatMap((file) => (file.status === 'added' ? [] : [file.from ?? file.path])));
  const files = listed.value.filter((file) => old.has(file.path) && !file.path.startsWith('specs/'));
  const blobs = await readBlobs(
    root,
    files.map((file) => file.blob),
  );
  const found = new Map<string, string>();
  const ids = analysis.graph.criteria.map((traced) => traced.criterion.id);
  for (const file of files) {
    const bytes = blobs.get(file.blob);
    if (bytes === undefined || !bytes.includes('AC-')) continue;
    for (const id of ids)
      if (!found.has(id) && bytes.includes(id)) found.set(id, `${file.path} changed, which mentioned it`);
  }
  return found;
}

const pathsOf = (file: ChangedFile): string[] => (file.from === undefined ? [file.path] : [file.path, file.from]);

function whyClosure(closure: Closure | null, entry: Case, changed: readonly ChangedFile[]): string | null {
  for (const file of changed) {
    for (const path of pathsOf(file)) {
      if (closure?.files.has(path) === true)
        return path === entry.file ? `${path} changed` : `${path} changed, reached from ${entry.file}`;
      const folder = closure?.folders.find((candidate) => isBelow(candidate, path));
      if (folder !== undefined)
        return `${path} changed, and ${entry.file} may read anything below ${folder === '' ? 'the project' : folder}`;
    }
  }
  return null;
}

/** Mocks, templates, set-up files, anything: no analysis of sources says what a run reads. */
function whyUnseen(entry: Case, changed: readonly ChangedFile[]): string | null {
  const [first] = changed;
  if (first === undefined) return null;
  const more = changed.length === 1 ? '' : ` (and ${changed.length - 1} more)`;
  return `${first.path}${more} changed, and what ${entry.selector} rests on was not observed`;
}

/** A file of the closure that no commit knows (ignored: built, generated, local), so that nobody can compare it with REF. */
function unfollowed(listed: ReadonlySet<string>): (closure: Closure | null) => string | undefined {
  const known = new Map<Closure, string | undefined>();
  return (closure) => {
    if (closure === null) return undefined;
    if (!known.has(closure))
      known.set(
        closure,
        [...closure.files.keys()].find((path) => !listed.has(path)),
      );
    return known.get(closure);
  };
}

async function affectedBy(
  project: Project,
  analysis: Analysis,
  closures: ProjectClosures,
  changed: readonly ChangedFile[],
  { cached, env }: Compared,
): Promise<(traced: TracedCriterion) => Promise<string | null>> {
  // A plan without limits: which requirements are met here does not decide what a change reaches.
  const everything = planOf(
    analysis.graph,
    {
      selected: () => true,
      emptySpecs: [],
      parse: parseSelector,
      runnerOfFile: runnerOfFile(analysis.scan),
      testsOfFile: testsOfFile(analysis.scan),
    },
    {
      timeoutMs: 1,
      environments: Object.keys(project.settings.docker.environments),
      unmet: new Map(),
      callerEnv: env,
      today: new Date().toISOString().slice(0, 10),
      executable: () => true,
    },
  );
  const cases = new Map(everything.cases.map((entry) => [entry.id, entry]));
  const byCriterion = new Map(
    everything.specs.flatMap((spec) => spec.criteria).map((criterion) => [criterion.criterion, criterion]),
  );
  const deleted = new Set(
    changed
      .filter((file) => file.status === 'deleted' || file.status === 'renamed')
      .map((file) => file.from ?? file.path),
  );
  // As the tree is; and, where something went, as if it were there still: its importers lead nowhere now.
  const views = [closures.of, ...(deleted.size > 0 ? [await closures.withGone([...deleted])] : [])];
  const outsideGit = unfollowed(new Set((await analysis.source.contents()).keys()));
  let standing: Promise<ReadonlySet<string>> | undefined;
  return async (traced) => {
    const planned = byCriterion.get(traced.criterion.id);
    for (const check of planned?.checks ?? []) {
      // What a link leads to cannot be told, so neither can what changed about it (a configuration may decide what is a test at all).
      if (check.known !== null && verdictOf(check.known.reason) === 'ERROR')
        return `${check.known.reason}: ${check.known.detail}`;
      if (
        check.known !== null &&
        check.file !== null &&
        (deleted.has(check.file) || changed.some((file) => file.path === check.file))
      )
        return `${check.file} changed`;
      for (const id of check.cases) {
        const entry = cases.get(id);
        if (entry === undefined) continue;
        for (const closureOf of views) {
          const why = whyClosure(await closureOf(entry), entry, changed);
          if (why !== null) return why;
        }
        const unseen = whyUnseen(entry, changed);
        if (unseen !== null) return unseen;
        const path = outsideGit(await closures.of(entry));
        if (path === undefined) continue;
        if (cached && (await (standing ??= standingPasses(project, analysis, everything, env))).has(id)) continue;
        return `${entry.file} rests on ${path}, which git does not follow`;
      }
    }
    return null;
  };
}

/**
 * One side of a comparison: a commit with its own rules, analysed once. It is the checkout where that is exactly the commit,
 * else (or where it must be like the other side) a clean worktree.
 */
import { join, relative } from 'node:path';
import { loadProject, type Project } from '../../config/index.js';
import { failure, success, type CriterionRecord, type Result, type RunRecord } from '../../model/index.js';
import { readSource } from '../../sources/index.js';
import { exists } from '../../util/files.js';
import { gitLine } from '../../util/git.js';
import { ulid } from '../../util/ulid.js';
import { analyse, type Analysis } from '../analysis/analyse.js';
import { verifyProject } from '../verify/verify.js';
import type { VerifyContext, VerifyRequest } from '../verify/verify-request.js';
import { prepareWorktree, withWorktree } from '../verify/worktree.js';
import { restsOn } from './rests-on.js';

export interface Side {
  readonly commit: string;
  /** With the settings of the commit, but for those that a push must not loosen. */
  readonly project: Project;
  readonly analysis: Analysis;
  /** The worktree's top and the checkout's; null where the checkout is this side. */
  readonly worktree: { readonly folder: string; readonly top: string } | null;
  /** Where evidence goes: the checkout's root. */
  readonly evidenceRoot: string;
}

/**
 * Runs `work` on the project at a commit; with null where the commit is no coherence project, with failures where its specs or
 * settings cannot be read. Fails by itself where no worktree can be made.
 * @param clean never in the checkout
 */
export async function withSide<T>(
  project: Project,
  commit: string,
  clean: boolean,
  context: VerifyContext,
  work: (side: Result<Side | null>) => Promise<Result<T>>,
): Promise<Result<T>> {
  const evidenceRoot = project.root;
  if (!clean) {
    const source = await readSource(project.root);
    const { commit: here, dirty } = await source.identity();
    if (here === commit && !dirty) {
      const analysed = await analyse(project, false, true, source);
      if (!analysed.ok) return work(analysed);
      return work(success({ commit, project, analysis: analysed.value, worktree: null, evidenceRoot }));
    }
  }
  const wish = { commit, run: ulid(), attempt: 1, keep: false, prepare: false };
  return withWorktree(project, wish, context, async (folder) => {
    const top = (await gitLine(project.root, ['rev-parse', '--show-toplevel'])) ?? project.root;
    const root = join(folder, relative(top, project.root));
    if (!(await exists(join(root, '.coherence', 'project.toml')))) return work(success(null));
    const loaded = await loadProject({ cwd: root, env: context.env });
    if (!loaded.ok) return work(loaded);
    const committed = withOwnRules(loaded.value, project);
    // What the analysis reads of installed packages (presets, set-up files) is there before it, as in the checkout.
    const linked = await prepareWorktree(committed, top, folder, commit, context, { linkOnly: true }, root);
    if (!linked.ok) return linked;
    const analysed = await analyse(committed, false, true, undefined, project.root);
    if (!analysed.ok) return work(analysed);
    const worktree = { folder, top };
    return work(success({ commit, project: committed, analysis: analysed.value, worktree, evidenceRoot }));
  });
}

/** What a commit says of the gate, the store and this machine does not count: a push cannot loosen its own gate. */
const withOwnRules = (committed: Project, checkout: Project): Project => ({
  ...committed,
  directories: checkout.directories,
  settings: {
    ...committed.settings,
    gate: checkout.settings.gate,
    store: checkout.settings.store,
    backends: checkout.settings.backends,
    worktrees: checkout.settings.worktrees,
  },
});

export interface SideVerdicts {
  readonly criteria: ReadonlyMap<string, CriterionRecord>;
  /** Null where nothing was left to verify. */
  readonly record: RunRecord | null;
  /** Criteria that were not run, with why: what their tests rest on could not be installed. */
  readonly withheld: ReadonlyMap<string, string>;
  /** What could not be installed at all, a sentence each. A criterion that went bad may have needed it. */
  readonly lacking: readonly string[];
}

const NOTHING: SideVerdicts = { criteria: new Map(), record: null, withheld: new Map(), lacking: [] };

/** Verdicts of some criteria of a side, within the time that is left. Fails where the run was interrupted or could not be made. */
export async function judgeSide(
  side: Side,
  ids: readonly string[],
  deadline: number,
  context: VerifyContext,
): Promise<Result<SideVerdicts>> {
  if (ids.length === 0) return success(NOTHING);
  const prepared = await prepareSide(side, ids, context);
  if (!prepared.ok) return prepared;
  const { withheld, lacking, analysis } = prepared.value;
  const left = ids.filter((id) => !withheld.has(id));
  if (left.length === 0) return success({ ...NOTHING, withheld, lacking });
  const verified = await verifyProject(side.project, request(left, deadline - performance.now(), side.evidenceRoot), {
    ...context,
    analysis,
  });
  if (!verified.ok) return verified;
  const { record } = verified.value;
  if (record.ended === 'interrupted')
    return failure({ kind: 'could-not-verify', message: 'The gate was interrupted.' });
  const criteria = new Map(record.specs.flatMap((spec) => spec.criteria).map((criterion) => [criterion.id, criterion]));
  return success({ criteria, record, withheld, lacking });
}

const request = (ids: readonly string[], budgetMs: number, evidenceRoot: string): VerifyRequest => ({
  ids,
  failFast: false,
  cache: true,
  speculative: false,
  require: [],
  keepWorktree: false,
  runTimeoutMs: Math.max(1, budgetMs),
  evidenceRoot,
});

interface Preparation extends Pick<SideVerdicts, 'withheld' | 'lacking'> {
  readonly analysis: Analysis;
}

/** Installs what the tests of these criteria rest on; what fails takes only those criteria away that rest on it. */
async function prepareSide(side: Side, ids: readonly string[], context: VerifyContext): Promise<Result<Preparation>> {
  const nothing = { withheld: new Map<string, string>(), lacking: [], analysis: side.analysis };
  if (side.worktree === null) return success(nothing);
  const { folder, top } = side.worktree;
  const wanted = new Set(ids);
  const prefix = relative(folder, side.project.root);
  const rests = side.analysis.graph.criteria
    .filter((traced) => wanted.has(traced.criterion.id))
    .map((traced) => ({ id: traced.criterion.id, on: restsOn(traced, prefix) }));
  const needed = (directory: string): boolean => rests.some(({ on }) => on(directory));
  const failed = new Map<string, string>();
  for (;;) {
    const limits = { needed, without: new Set(failed.keys()) };
    const prepared = await prepareWorktree(side.project, top, folder, side.commit, context, limits, side.project.root);
    if (!prepared.ok) return prepared;
    if (prepared.value.ok) {
      for (const note of prepared.value.notes) context.emit({ type: 'note', message: note });
      break;
    }
    const { directory, message } = prepared.value;
    // A command of the user's own that fails leaves nothing to try again.
    if (failed.has(directory)) break;
    failed.set(directory, message);
    if (side.project.settings.worktrees.prepare !== null) break;
  }
  const withheld = new Map<string, string>();
  for (const [directory, message] of failed)
    for (const { id, on } of rests)
      if (on(directory)) withheld.set(id, `its dependencies could not be prepared: ${message}`);
  const lacking = [...failed.values()];
  // A copy: what was worked out about installed packages before the installation must not be taken for what is there now.
  return success({ withheld, lacking, analysis: { ...side.analysis } });
}

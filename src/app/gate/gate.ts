/**
 * The pre-push gate: what is verified is the pushed commit, in a clean worktree of it, never the working tree
 * (unless that is exactly the commit). gate.md is the contract.
 */
import { join, relative } from 'node:path';
import type { Project } from '../../config/index.js';
import { loadProject } from '../../config/index.js';
import {
  failure,
  success,
  type CriterionRecord,
  type Failure,
  type Result,
  type RunRecord,
  type TracedCriterion,
  type Verdict,
} from '../../model/index.js';
import { sourceIdentity } from '../../sources/index.js';
import { exists } from '../../util/files.js';
import { gitLine } from '../../util/git.js';
import { ulid } from '../../util/ulid.js';
import { analyse, type Analysis } from '../analyse.js';
import { atCommit } from '../at-commit.js';
import { changedCriteria } from '../changed.js';
import { verifyProject } from '../verify.js';
import type { VerifyContext, VerifyRequest } from '../verify-request.js';
import { withWorktree } from '../worktree.js';
import { judgePush, needBase, type Blocker, type Policy } from './policy.js';
import { parsePushLines, pushesOf, type Push } from './refs.js';

export interface GateRequest {
  /** git's lines. */
  readonly input: string;
  readonly remote?: string;
  readonly policy?: Policy;
}

export interface PushVerdict {
  readonly tip: string;
  readonly refs: readonly string[];
  readonly base: string | null;
  readonly outcome: 'pass' | 'blocked' | 'could-not-verify';
  readonly affected: number;
  readonly why: ReadonlyMap<string, string>;
  readonly blockers: readonly Blocker[];
  readonly debt: readonly Blocker[];
  /** For could-not-verify: the sentences. */
  readonly trouble: readonly string[];
  readonly record: RunRecord | null;
}

const traceMap = (analysis: Analysis | null): Map<string, TracedCriterion> =>
  new Map((analysis?.graph.criteria ?? []).map((traced) => [traced.criterion.id, traced]));
const criteriaOf = (record: RunRecord): readonly CriterionRecord[] => record.specs.flatMap((spec) => spec.criteria);

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

/** Judges every pushed tip, one after the other, within `gate.budget`. */
export async function judgeGate(
  project: Project,
  wanted: GateRequest,
  context: VerifyContext,
): Promise<Result<readonly PushVerdict[]>> {
  const refs = parsePushLines(wanted.input);
  if (!refs.ok) return refs;
  const pushes = await pushesOf(project.root, refs.value, wanted.remote);
  const deadline = performance.now() + project.settings.gate.budget;
  const verdicts: PushVerdict[] = [];
  for (const push of pushes) {
    if (context.signal.aborted) return failure({ kind: 'could-not-verify', message: 'The gate was interrupted.' });
    verdicts.push(await judgeOne(project, push, wanted.policy ?? project.settings.gate.policy, deadline, context));
  }
  return success(verdicts);
}

async function judgeOne(
  project: Project,
  push: Push,
  policy: Policy,
  deadline: number,
  context: VerifyContext,
): Promise<PushVerdict> {
  const empty = {
    tip: push.tip,
    refs: push.refs,
    base: push.base,
    affected: 0,
    why: new Map<string, string>(),
    blockers: [],
    debt: [],
    record: null,
  };
  const could = (failures: readonly Failure[]): PushVerdict => ({
    ...empty,
    outcome: 'could-not-verify',
    trouble: failures.map(
      (item) =>
        `${item.file === undefined ? '' : `${item.file}:${item.line ?? 1}: `}${item.message}${item.hint === undefined ? '' : ` ${item.hint}`}`,
    ),
  });
  const judged = await onCommit(project, push.tip, context, async (tip) => {
    if (tip === null) {
      const before =
        push.base === null
          ? null
          : await gitLine(project.root, ['cat-file', '-e', `${push.base}:./.coherence/project.toml`]);
      if (before !== null)
        return failure({
          kind: 'could-not-verify',
          message: 'The pushed commit removes .coherence/project.toml, so nothing could judge it.',
        });
      return success<PushVerdict>({ ...empty, outcome: 'pass', trouble: [] });
    }
    const analysed = await analyse(tip);
    if (!analysed.ok) return analysed;
    const baseAnalysis = await analysisAt(project, push.base);
    if (!baseAnalysis.ok) return baseAnalysis;
    const changed =
      push.base === null
        ? success(new Map(analysed.value.graph.criteria.map((traced) => [traced.criterion.id, 'nothing came before'])))
        : await changedCriteria(tip, analysed.value, push.base, { cached: true, env: context.env });
    if (!changed.ok) return changed;
    const ids = [...changed.value.keys()];
    if (ids.length === 0) return success<PushVerdict>({ ...empty, outcome: 'pass', trouble: [] });
    const verified = await verifyProject(tip, request(ids, deadline - performance.now(), project.root), context);
    if (!verified.ok) return verified;
    const { record } = verified.value;
    if (record.ended === 'interrupted')
      return failure({ kind: 'could-not-verify', message: 'The gate was interrupted.' });
    const baseTrace = traceMap(baseAnalysis.value);
    const asked = needBase({ tip: criteriaOf(record), baseTrace }, policy);
    const base =
      push.base === null || asked.length === 0
        ? new Map<string, Verdict>()
        : await verdictsAt(project, push.base, asked, deadline, context);
    const result = judgePush({ tip: criteriaOf(record), base, tipTrace: traceMap(analysed.value), baseTrace }, policy);
    const unreached = criteriaOf(record).filter(
      (criterion) => criterion.reason === 'run-timeout' || criterion.reason === 'setup',
    );
    const onlyUnreached =
      result.blockers.length > 0 &&
      result.blockers.every((blocker) => unreached.some((criterion) => criterion.id === blocker.criterion));
    const outcome = result.blockers.length === 0 ? 'pass' : onlyUnreached ? 'could-not-verify' : 'blocked';
    return success<PushVerdict>({
      ...empty,
      outcome,
      affected: ids.length,
      why: changed.value,
      ...result,
      record,
      trouble:
        outcome === 'could-not-verify'
          ? unreached.map(
              (criterion) =>
                `${criterion.id} was not verified: ${criterion.reason}${criterion.detail === undefined ? '' : `, ${criterion.detail}`}`,
            )
          : [],
    });
  });
  return judged.ok ? judged.value : could(judged.failures);
}

async function analysisAt(project: Project, commit: string | null): Promise<Result<Analysis | null>> {
  if (commit === null) return success(null);
  return atCommit<Analysis | null>(project, commit, async (there) => {
    const analysed = await analyse(there);
    // A base with invalid specs proves nothing against the push: everything of the push counts as new.
    return analysed.ok ? analysed : success(null);
  });
}

/** Verdicts of some criteria on the base, for telling old debt from new. What cannot be verified there is ERROR. */
async function verdictsAt(
  project: Project,
  commit: string,
  ids: readonly string[],
  deadline: number,
  context: VerifyContext,
): Promise<ReadonlyMap<string, Verdict>> {
  const found = await onCommit(project, commit, context, async (base) => {
    if (base === null) return success(new Map<string, Verdict>());
    const analysed = await analyse(base);
    if (!analysed.ok) return success(new Map<string, Verdict>());
    const there = new Set(analysed.value.graph.criteria.map((traced) => traced.criterion.id));
    const known = ids.filter((id) => there.has(id));
    if (known.length === 0) return success(new Map<string, Verdict>());
    const verified = await verifyProject(base, request(known, deadline - performance.now(), project.root), context);
    return verified.ok
      ? success(
          new Map(
            criteriaOf(verified.value.record)
              .filter(
                (criterion) =>
                  criterion.reason !== 'run-timeout' && criterion.reason !== 'setup' && criterion.reason !== 'canceled',
              )
              .map((criterion) => [criterion.id, criterion.verdict]),
          ),
        )
      : verified;
  });
  return found.ok ? found.value : new Map<string, Verdict>();
}

/**
 * The project at a commit: the working tree itself when it is exactly that commit, else a worktree with its dependencies.
 * null when that commit is no coherence project. What the pushed commit says of `gate` and `store` does not count:
 * a push cannot loosen its own gate.
 */
async function onCommit<T>(
  project: Project,
  commit: string,
  context: VerifyContext,
  work: (project: Project | null) => Promise<Result<T>>,
): Promise<Result<T>> {
  const identity = await sourceIdentity(project.root);
  if (identity.commit === commit && !identity.dirty) return work(project);
  return withWorktree(
    project,
    { commit, run: ulid(), attempt: 1, keep: false, prepare: true },
    context,
    async (folder) => {
      const top = (await gitLine(project.root, ['rev-parse', '--show-toplevel'])) ?? project.root;
      const root = join(folder, relative(top, project.root));
      if (!(await exists(join(root, '.coherence', 'project.toml')))) return work(null);
      const loaded = await loadProject({ cwd: root, env: context.env });
      if (!loaded.ok) return loaded;
      return work({
        ...loaded.value,
        directories: project.directories,
        settings: {
          ...loaded.value.settings,
          gate: project.settings.gate,
          store: project.settings.store,
          backends: project.settings.backends,
          worktrees: project.settings.worktrees,
        },
      });
    },
  );
}

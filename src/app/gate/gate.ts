/**
 * The pre-push gate: what is verified is the pushed commit, in a clean worktree of it, never the working tree
 * (unless that is exactly the commit). gate.md is the contract.
 */
import type { Project } from '../../config/index.js';
import { failure, success, type Failure, type Result } from '../../model/index.js';
import { askRepository, isInCommit, type Patience } from '../../sources/index.js';
import type { VerifyContext } from '../verify/verify-request.js';
import { compareSides } from './compare.js';
import type { Policy } from './policy.js';
import type { Judging, PushVerdict } from './push-verdict.js';
import { parsePushLines, pushesOf, type Push } from './refs.js';
import { withSide } from './side.js';
import { toldPushes } from './told.js';

export interface GateRequest {
  /** Standard input: git's lines, or nothing. */
  readonly input: string;
  readonly remote?: string;
  readonly policy?: Policy;
}

/** How long git may take to say whether it works here at all. */
const FIRST_ANSWER_MS = 60_000;

/** Judges every pushed tip, one after the other, within `gate.budget`. Fails where git gives no answer. */
export async function judgeGate(
  project: Project,
  wanted: GateRequest,
  context: VerifyContext,
): Promise<Result<readonly PushVerdict[]>> {
  const { budget, policy } = project.settings.gate;
  const deadline = performance.now() + budget;
  const patience: Patience = { timeoutMs: Math.max(1, Math.min(FIRST_ANSWER_MS, budget)), signal: context.signal };
  const repository = await askRepository(project.root, patience);
  if (!repository.ok) return repository;
  const told = await toldPushes(project.root, wanted.input, wanted.remote, context.env, patience);
  if (!told.ok) return told;
  const refs = parsePushLines(told.value.input);
  if (!refs.ok) return refs;
  const pushes = await pushesOf(project.root, refs.value, told.value.remote, patience);
  if (!pushes.ok) return pushes;
  const verdicts: PushVerdict[] = [];
  for (const push of pushes.value) {
    if (context.signal.aborted) return failure({ kind: 'could-not-verify', message: 'The gate was interrupted.' });
    verdicts.push(await judgeOne({ project, push, policy: wanted.policy ?? policy, deadline, context }));
  }
  return success(verdicts);
}

const sentence = (item: Failure): string =>
  `${item.file === undefined ? '' : `${item.file}:${item.line ?? 1}: `}${item.message}${item.hint === undefined ? '' : ` ${item.hint}`}`;

const nothingAffected = (push: Push): PushVerdict => ({
  ...push,
  outcome: 'pass',
  affected: 0,
  why: new Map(),
  blockers: [],
  debt: [],
  trouble: [],
  record: null,
});

async function judgeOne(judging: Judging): Promise<PushVerdict> {
  const { project, push, context } = judging;
  const judged = await withSide(project, push.tip, false, context, async (tip) => {
    if (!tip.ok) return tip;
    const { value } = tip;
    if (value === null) return withoutProject(judging);
    if (push.base === null) return compareSides(judging, value, success(null));
    return withSide(project, push.base, true, context, async (base) => compareSides(judging, value, base));
  });
  if (judged.ok) return judged.value;
  return { ...nothingAffected(push), outcome: 'could-not-verify', trouble: judged.failures.map(sentence) };
}

/** The pushed commit is no project: good where its base was none either. */
async function withoutProject({ project, push, context }: Judging): Promise<Result<PushVerdict>> {
  const before =
    push.base === null
      ? success(false)
      : await isInCommit(project.root, push.base, '.coherence/project.toml', { signal: context.signal });
  if (!before.ok) return before;
  if (!before.value) return success(nothingAffected(push));
  return failure({
    kind: 'could-not-verify',
    message: 'The pushed commit removes .coherence/project.toml, so nothing could judge it.',
  });
}

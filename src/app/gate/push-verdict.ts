/** What is judged, within which limits, and what came of it. */
import type { Project } from '../../config/index.js';
import type { RunRecord } from '../../model/index.js';
import type { VerifyContext } from '../verify/verify-request.js';
import type { Blocker, Policy } from './policy.js';
import type { Push } from './refs.js';

export interface PushVerdict {
  readonly tip: string;
  readonly refs: readonly string[];
  readonly base: string | null;
  readonly outcome: 'pass' | 'blocked' | 'could-not-verify';
  readonly affected: number;
  readonly why: ReadonlyMap<string, string>;
  readonly blockers: readonly Blocker[];
  readonly debt: readonly Blocker[];
  /** What could not be told: the sentences. */
  readonly trouble: readonly string[];
  readonly record: RunRecord | null;
}

/** What is compared within which limits. */
export interface Judging {
  readonly project: Project;
  readonly push: Push;
  readonly policy: Policy;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  readonly context: VerifyContext;
}

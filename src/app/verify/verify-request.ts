/** What a verification is asked for, and what it may use. */
import type { Around, EventSink, PlaceName, Risk, Status } from '../../model/index.js';
import type { HostOptions } from '../../places/index.js';
import type { Place } from '../../run/index.js';
import type { Source } from '../../sources/index.js';
import type { Analysis } from '../analysis/analyse.js';

export interface VerifyRequest {
  readonly ids: readonly string[];
  readonly status?: Status;
  readonly risk?: Risk;
  /** A git ref, or true for the merge base with upstream. */
  readonly changed?: string | true;
  readonly jobs?: number;
  readonly timeoutMs?: number;
  readonly runTimeoutMs?: number;
  readonly failFast: boolean;
  readonly cache: boolean;
  readonly speculative: boolean;
  readonly place?: PlaceName;
  readonly require: readonly string[];
  readonly session?: string;
  readonly keepWorktree: boolean;
  /** The id this run gets; default a new ULID. The daemon gives its own. */
  readonly run?: string;
  readonly attempt?: number;
  /** Where `.coherence/runs` lies, when the tree under test is a worktree of coherence's own (contract, section 2). */
  readonly evidenceRoot?: string;
  /** Criteria whose verdicts are known from an earlier attempt of the same run (the daemon's resume map). */
  readonly skipCriteria?: readonly string[];
  /** False: leave the store to the caller, who records several parts as one run (the daemon). */
  readonly store?: boolean;
}

export interface VerifyContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
  /** The tree, when it was read just now; default: it is read. */
  readonly source?: Source;
  /** The analysis, when it was made just now; default: it is made. */
  readonly analysis?: Analysis;
  /** Puts something before the place `host`: a warm worker's test runner in memory. `around`: the files around the root, when they were read for this run and nothing has run there since. */
  readonly wrapHost?: (place: Place, options: HostOptions, around?: Around | null) => Place;
}

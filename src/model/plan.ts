/**
 * What will be run, before anything runs. `--dry-run` prints it; `run` executes it; nothing else is executed.
 */
import type { FoundTest, RunnerName } from './found.js';
import type { Expectation } from './spec.js';
import type { Reason } from './verdict.js';

export type PlaceName = 'host' | 'docker';

/**
 * The smallest thing a runner is asked for and must report on. Several checks may wait for the same case: it runs once.
 * Two cases are the same when all that could change the outcome is the same (see `caseKey` in plan/).
 */
export interface Case {
  /** Unique in its plan, short, file-name safe. */
  readonly id: string;
  readonly runner: RunnerName;
  readonly place: PlaceName;
  /** Docker environment's name. */
  readonly environment: string | null;
  /** Contract selector, or the command line for runner `command`. */
  readonly selector: string;
  /** The statically found test; null for `command`, for a whole cargo target and where only the runner can confirm. */
  readonly test: FoundTest | null;
  /** File and title path to look for. `file` is relative to the project's root; empty path = the whole file or target. */
  readonly file: string;
  readonly path: readonly string[];
  readonly line: number;
  /** How to know the reports of a test that gives several (or one of unknown title) on no line of its own: a wrapper declares it. */
  readonly instances?: Instances;
  /** So many tests of the file, itself included, have its titles and are reported at its place: each must be reported. */
  readonly twins?: number;
  /** Other tests of the file that a report under this one's titles may be: only its place tells whose it is. */
  readonly rivals?: readonly Rival[];
  readonly timeoutMs: number;
  /** Values to set. Declared pass-through names are already resolved to values by `app`. */
  readonly env: Readonly<Record<string, string>>;
  readonly features: readonly string[];
  /** Run it although it is marked as ignored. */
  readonly ignored: boolean;
  readonly artifacts: readonly string[];
  /** What the link declares as its inputs; absent: everything that can be seen counts. */
  readonly inputs?: readonly string[];
  readonly expect: Expectation;
  /** `orchestrator`: the case gets a private daemon in its own state folder as COHERENCE_STATE_DIR. */
  readonly privateDaemon: boolean;
  /** Ids of cases that must have passed before this one starts, and whether it continues in the first one's workspace. */
  readonly after: readonly string[];
  readonly inheritWorkspace: boolean;
  /** Ids of the criteria that wait for it (sorted), for COHERENCE_AC_ID. */
  readonly criteria: readonly string[];
}

/** Where another test stands, and where a runner's report says that it stands, when that is another place. */
export type Rival = Pick<FoundTest, 'file' | 'line' | 'column' | 'endLine' | 'reportedAt'>;

export interface Instances {
  /** The line that its reports name, in the file where the found test says they stand; null where they name none. */
  readonly line: number | null;
  readonly own: Titles;
  /** The other tests of the file that may be reported there. */
  readonly others: readonly Titles[];
}

/** The titles that reports of a test have, as far as they are known before it runs. */
export interface Titles {
  readonly path: readonly string[];
  /** So many of them, from the outermost on, are known; what the others say is not. */
  readonly known: number;
  /** The known ones may hold placeholders of `each`. */
  readonly parametrised: boolean;
  /** Its reports name a line. */
  readonly placed: boolean;
  /** Marked as skipped or to do. */
  readonly skipped: boolean;
}

/** Cases that one process (or one build) serves: same runner, configuration and place. Made by the runner's `batches`. */
export interface Batch {
  readonly id: string;
  readonly runner: RunnerName;
  readonly place: PlaceName;
  readonly environment: string | null;
  /** Folder that the runner starts in, relative to the project's root; '' is the root. */
  readonly directory: string;
  readonly cases: readonly Case[];
  /** What else the runner needs to know about the batch (a config file, a package name); plain data. */
  readonly configuration: Readonly<Record<string, string>>;
}

/** A criterion's link made runnable, or the reason why it is not run. */
export interface Check {
  readonly spec: string;
  readonly criterion: string;
  /** What is shown: selector, command or instruction. */
  readonly link: string;
  /** The declared link's own `id`, if any: what `needs` of other links name. */
  readonly linkId: string | null;
  readonly kind: 'test' | 'run' | 'manual';
  readonly runner: RunnerName | null;
  readonly place: PlaceName;
  readonly file: string | null;
  readonly line: number | null;
  readonly hollow: boolean;
  /** Which of the criterion's `needs` it serves. */
  readonly proves?: string;
  /** Cases whose outcomes decide; empty when `known` is set. */
  readonly cases: readonly string[];
  /** Decided without running: manual, unavailable, dangling… */
  readonly known: { readonly reason: Reason; readonly detail: string } | null;
}

/** A verdict of the cache for the same inputs, taken instead of running. */
export interface Reuse {
  readonly case: string;
  readonly key: string;
  readonly outcome: CachedOutcome;
}

export interface CachedOutcome {
  readonly reason: 'executed' | 'assertion';
  readonly run: string;
  readonly detail: string;
  readonly ended_at: string;
  /** Nothing but an exit code said so; absent: a report did. */
  readonly proof?: 'exit-code';
}

export interface PlannedCriterion {
  readonly spec: string;
  readonly criterion: string;
  /** Decided without any check: retired, gap, no-link. */
  readonly known: { readonly reason: Reason; readonly detail: string } | null;
  readonly checks: readonly Check[];
}

export interface PlannedSpec {
  readonly id: string;
  readonly criteria: readonly PlannedCriterion[];
}

export interface Plan {
  readonly specs: readonly PlannedSpec[];
  readonly cases: readonly Case[];
  readonly reuse: readonly Reuse[];
}

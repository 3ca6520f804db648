/** Rows of the journal as the rest of the program sees them. Field names are the columns'. */
import type { Verdict } from '../model/index.js';

export const RUN_STATES = [
  'queued',
  'claimed',
  'preparing',
  'running',
  'finishing',
  'stopping',
  'parked',
  'done',
  'dead_letter',
] as const;
export type RunState = (typeof RUN_STATES)[number];
/** States in which an instance works on the run. */
export const ACTIVE_STATES: readonly RunState[] = ['claimed', 'preparing', 'running', 'finishing', 'stopping'];
export const isTerminal = (state: RunState): boolean => state === 'done' || state === 'dead_letter';

/** What a run is limited by, beside `max_workers`. */
export const BACKENDS = ['process', 'vitest', 'node-test', 'cargo', 'docker', 'orchestrator'] as const;
export type Backend = (typeof BACKENDS)[number];

/** What the client asked for and the worker needs; written once, at the enqueue. */
export interface RunPayload {
  /** Criteria of the spec that are verified, in the spec's order; null: not known before the run starts. */
  readonly criteria: readonly string[] | null;
  /** True: the whole spec as it is when the run starts; false: exactly `criteria`. */
  readonly whole: boolean;
  readonly place: 'host' | 'docker' | null;
  /** Options of `verify` (jobs, timeout, no_cache…), handed on as they are. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly keep_worktree: boolean;
}

export interface RunRow {
  readonly run_id: string;
  readonly seq: number;
  readonly session_id: string;
  readonly spec_id: string;
  readonly spec_rev: string | null;
  /** Null: the checkout itself, as it is when the run starts. */
  readonly commit_sha: string | null;
  readonly backend: Backend;
  readonly priority: number;
  readonly depends_on: string | null;
  /** The project's root, absolute. */
  readonly repo: string;
  readonly state: RunState;
  readonly attempt: number;
  readonly fence: number;
  readonly owner: string | null;
  readonly not_before: number | null;
  readonly not_before_boot: string | null;
  readonly dedupe_key: string | null;
  readonly payload: RunPayload;
  readonly verdict: Verdict | null;
  readonly reason: string | null;
  readonly detail: string | null;
  /** Starts in a row that infrastructure spoiled; sets the back-off. */
  readonly failures: number;
  readonly enqueued_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

export interface NewRun {
  readonly run_id: string;
  readonly session_id: string;
  readonly spec_id: string;
  readonly commit_sha: string | null;
  readonly backend: Backend;
  /** Smaller is sooner. */
  readonly priority: number;
  readonly depends_on: string | null;
  readonly repo: string;
  readonly dedupe_key: string | null;
  readonly payload: RunPayload;
}

export interface CriterionResult {
  readonly run_id: string;
  readonly ac_id: string;
  readonly fence: number;
  readonly attempt: number;
  readonly verdict: Verdict;
  /** SHA-256 over the criterion's record, which names the hash of each output. */
  readonly evidence_sha: string;
  /** The CriterionRecord as JSON. */
  readonly payload: string;
}

/** What a later attempt may keep: criteria with a stored verdict on exactly this spec text and source. */
export interface Resume {
  readonly run_id: string;
  readonly fence: number;
  readonly spec_rev: string;
  /** Commit, or the tree hash of a checkout. */
  readonly commit_sha: string;
  readonly completed: readonly { readonly ac: string; readonly evidence: string }[];
  readonly resurrections: number;
  readonly window_start: Moment | null;
}

/** A point in monotonic time that can be stored: comparable only within its boot. */
export interface Moment {
  readonly boot_id: string;
  readonly mono: number;
}

export type ProcessState = 'intended' | 'starting' | 'idle' | 'busy' | 'stopping' | 'dead' | 'indeterminate';

export interface ProcessRow {
  readonly nonce: string;
  readonly kind: 'worker' | 'warm' | 'git' | 'container' | 'verify';
  readonly name: string;
  /** `project@backend` of a warm worker. */
  readonly key: string | null;
  readonly instance_id: string;
  readonly boot_id: string;
  readonly pid: number | null;
  readonly start_ticks: number | null;
  readonly pgid: number | null;
  readonly isolation: string;
  readonly container_id: string | null;
  readonly run_id: string | null;
  readonly state: ProcessState;
  readonly created: string;
  /** Monotonic milliseconds. */
  readonly last_used: number | null;
}

export type WorktreeState = 'intended' | 'live' | 'releasing' | 'trashed' | 'gone' | 'kept' | 'foreign_owned';

export interface WorktreeRow {
  readonly path: string;
  readonly run_id: string;
  readonly instance_id: string;
  /** Top folder of the repository that it belongs to. */
  readonly repo: string;
  readonly commit_sha: string;
  readonly nonce: string;
  /** Lock reason as git shows it. */
  readonly reason: string;
  readonly state: WorktreeState;
}

export interface InstanceRow {
  readonly instance_id: string;
  readonly kind: 'daemon' | 'verify';
  readonly boot_id: string;
  readonly pid: number;
  readonly start_ticks: number;
  readonly started: string;
  readonly ended: string | null;
  readonly end_reason: string | null;
}

export interface OutboxRow {
  readonly seq: number;
  readonly run_id: string;
  readonly ac_id: string;
  readonly fence: number;
  readonly payload: string;
}

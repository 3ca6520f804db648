/**
 * The record of a verification: what `verify --json` prints and `.coherence/runs/<ulid>/run.json` holds
 * (contract, section 5; JSON Schema in schema/verify.schema.json). Field names are the contract's.
 */
import type { Diagnostic } from './diagnostic.js';
import type { Layer } from './outcome.js';
import type { PlaceName } from './plan.js';
import type { Proof, Reason, Verdict } from './verdict.js';

export interface CheckRecord {
  readonly link: string;
  readonly id?: string;
  readonly kind: 'test' | 'run' | 'manual';
  readonly runner: string | null;
  readonly place: PlaceName;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly detail?: string;
  readonly message?: string;
  readonly proof: Proof | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly command: readonly string[];
  readonly exit_code: number | null;
  readonly attempt: number;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly duration_ms: number;
  readonly cached: boolean;
  /** The run that a cached verdict came from. */
  readonly cached_from?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly source_hash: string;
  readonly image_id: string | null;
  readonly layers: readonly Layer[];
  /** Standard output, relative to the project's root; null when nothing ran. */
  readonly output: string | null;
  readonly output_sha256: string | null;
  readonly stderr?: string;
  readonly stderr_sha256?: string;
  readonly artifacts?: readonly { readonly path: string; readonly sha256: string }[];
  readonly hollow?: boolean;
  /** Which of the criterion's `needs` it serves. */
  readonly proves?: string;
  /** Why a pass is not a steady one, see Outcome. */
  readonly flaky?: string;
  /** For a link on a suite or file: each covered case. */
  readonly cases?: readonly CaseRecord[];
}

export interface CaseRecord {
  readonly selector: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly detail?: string;
  readonly duration_ms: number;
  readonly cached?: boolean;
  readonly flaky?: string;
}

export interface CriterionRecord {
  readonly id: string;
  readonly title: string;
  readonly risk: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly detail?: string;
  /** SHA-256 of the wording that this verdict is about. */
  readonly wording: string;
  readonly checks: readonly CheckRecord[];
}

export interface SpecRecord {
  readonly id: string;
  readonly title: string;
  readonly level: string;
  readonly status: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly criteria: readonly CriterionRecord[];
}

export interface Summary {
  readonly pass: number;
  readonly fail: number;
  readonly skip: number;
  readonly error: number;
  /** Checks taken from the verdict cache / run in this run. */
  readonly cached: number;
  readonly executed: number;
  /** Criteria that pass by nothing but an exit code; also in `pass`. */
  readonly exit_code?: number;
  /** Checks that passed only after a retry. */
  readonly flaky?: number;
  readonly duration_ms: number;
}

export interface SourceIdentity {
  /** Commit id; null outside git or before the first commit. */
  readonly commit: string | null;
  readonly dirty: boolean;
  /** `sha256:` over (path, mode, content) of all files that git would show; see sources/. */
  readonly tree: string;
  /** It was a clean checkout of its own: nothing that git ignores lay in it but installed packages. */
  readonly worktree?: boolean;
}

export type WarmStatus = 'Skipped' | 'Warmed' | 'Unavailable';
export type WarmReason =
  | 'disabled'
  | 'ok'
  | 'cargo-absent'
  | 'spawn-failed'
  | 'mkdir-failed'
  | 'permission-denied'
  | 'disk-full'
  | 'check-failed'
  | 'not-a-crate'
  | 'timeout'
  | 'cancelled';

/** What a warm boot of cargo came to (cargo.md, 'Contract of warm boot'). */
export interface WarmReport {
  readonly status: WarmStatus;
  readonly reason: WarmReason;
  readonly targetDir: string | null;
  readonly populated: boolean;
  readonly depArtifacts: number;
  readonly durationMs: number;
  readonly exitCode: number | null;
  readonly stderrTail: string;
  readonly cargoVersion: string | null;
  readonly stages: { readonly check: 'ok' | 'failed' | 'skipped'; readonly tests: 'ok' | 'failed' | 'skipped' };
}

export interface RunRecord {
  readonly schema: 'coherence.verify/1';
  readonly run: string;
  readonly session: string;
  readonly started_at: string;
  readonly source: SourceIdentity;
  readonly summary: Summary;
  readonly specs: readonly SpecRecord[];
  /** Snake-case form of WarmReport. */
  readonly warm: Readonly<Record<string, unknown>>;
  readonly diagnostics: readonly Diagnostic[];
  /** Why the run ended early: 'interrupted', 'run-timeout', 'fail-fast'; absent when it ran to its end. */
  readonly ended?: 'interrupted' | 'run-timeout' | 'fail-fast';
  readonly notes?: readonly string[];
}

/** All files around a folder, as git would show them. */
export interface Around {
  /** Top of the repository. */
  readonly root: string;
  /** Sorted; a letter and a space before each path: H in the index, R in the index and gone from disk, ? unknown to git. */
  readonly entries: readonly string[];
}

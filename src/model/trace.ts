/**
 * The trace graph: every criterion with the tests that verify it and the code that implements it, resolved.
 */
import type { Diagnostic } from './diagnostic.js';
import type { FoundTest } from './found.js';
import type { Criterion, DeclaredLink, Position, Spec } from './spec.js';

export type LinkOrigin = 'declared' | 'discovered';

/** Why a link cannot become a run. */
export interface LinkProblem {
  readonly reason: 'dangling-link' | 'dangling-tag' | 'not-found' | 'ambiguous-selector';
  readonly message: string;
  /** The file was not analysed whole, so nothing can be said of what the link means. */
  readonly limit?: boolean;
}

/**
 * One AC → test link.
 * `tests` are the cases it covers: one for a case, all cases below for a suite or file (each must be reported).
 * Empty for `run`/`manual`, for a problem, and for a `test:` that only its runner can confirm (`unresolved` then holds the selector).
 */
export interface ResolvedLink {
  readonly origin: LinkOrigin;
  readonly kind: DeclaredLink['kind'];
  /** What is shown and stored: the selector, command or instruction. */
  readonly label: string;
  /** The declaration; for a discovered link only `kind` and `target`. */
  readonly declared: DeclaredLink;
  readonly tests: readonly FoundTest[];
  readonly covers: 'case' | 'suite' | 'file' | 'command' | 'instruction';
  /** Where the link itself is written: spec file or tag. */
  readonly position: Position;
  readonly problem?: LinkProblem;
}

export interface ResolvedImplementation {
  readonly origin: LinkOrigin;
  readonly file: string;
  readonly line: number;
  readonly symbol: string | null;
  /** Which of the criterion's `needs` it serves (default: `impl`). */
  readonly proves?: string;
  readonly position: Position;
  readonly problem?: LinkProblem;
}

export interface TracedCriterion {
  readonly spec: Spec;
  readonly criterion: Criterion;
  readonly links: readonly ResolvedLink[];
  readonly implementations: readonly ResolvedImplementation[];
}

export interface TraceGraph {
  /** Every criterion of the catalog, in the catalog's order. */
  readonly criteria: readonly TracedCriterion[];
  /** `@implements SPEC-…` by spec id. */
  readonly specImplementations: Readonly<Record<string, readonly ResolvedImplementation[]>>;
  readonly diagnostics: readonly Diagnostic[];
}

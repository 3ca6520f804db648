import type { Position } from './spec.js';

export type Severity = 'error' | 'warning' | 'note';

/** Lint codes of contract section 3; each has one sentence in docs/diagnostics.md. */
export const DIAGNOSTIC_SEVERITY = {
  'dangling-link': 'error',
  'dangling-tag': 'error',
  'unknown-id': 'error',
  'duplicate-id': 'error',
  'ambiguous-selector': 'error',
  'focused-test': 'error',
  'skipped-test': 'warning',
  'hollow-test': 'warning',
  'level-overlap': 'warning',
  'unlinked-criterion': 'note',
  'parse-trouble': 'warning',
  'analysis-limit': 'error',
  'unread-spec': 'warning',
} as const satisfies Record<string, Severity>;

export type DiagnosticCode = keyof typeof DIAGNOSTIC_SEVERITY;

/** Something the author of a spec or test should know, at the place where it can be mended. */
export interface Diagnostic extends Position {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  readonly message: string;
  /** What to do about it, one sentence. */
  readonly hint?: string;
  /** The criterion or spec concerned. */
  readonly id?: string;
}

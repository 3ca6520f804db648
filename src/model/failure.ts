/**
 * All that can go wrong without being our own bug. Failures are values: functions return `Result`, and only `cli` turns
 * them into text and an exit code. An exception that reaches `cli` is a defect (exit 70).
 */
export const EXIT_OF_FAILURE = {
  /** Unknown command or flag, surplus argument, bad value, contradiction between flags. */
  usage: 64,
  /** `add` of something whose id is taken. */
  'already-exists': 64,
  /** A spec file, an import or an export source that is not valid. */
  'invalid-spec': 65,
  /** config.yaml or a flag's file, or a rejected reload. */
  'invalid-config': 65,
  /** project.toml. */
  'invalid-manifest': 65,
  /** A path of the project's data that leaves the project. */
  'unsafe-path': 65,
  'unknown-id': 66,
  /** Daemon, store or service that the command cannot do without. */
  unavailable: 69,
  /** Local state that cannot be read; never started afresh in silence. */
  'damaged-state': 74,
  /** No answer, disk full: the same command may work later. */
  'try-again': 75,
  /** A folder that must be written and may not be. */
  'not-permitted': 77,
  /** A comparison that came out unequal (`export --check`, `--fail-under`, conflicts). */
  'does-not-hold': 1,
  /** The verifier could not do its work at all (contract: exit 2). */
  'could-not-verify': 2,
} as const;

export type FailureKind = keyof typeof EXIT_OF_FAILURE;

/** One thing that went wrong. `message` says what; `hint` says what to do. Both are whole sentences without a final line feed. */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  readonly hint?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failures: readonly Failure[] };

export const success = <T>(value: T): Result<T> => ({ ok: true, value });
export const failure = (...failures: Failure[]): { readonly ok: false; readonly failures: readonly Failure[] } => ({
  ok: false,
  failures,
});

/** The exit code for several failures: that of the first, since later ones are often its consequence. */
export const exitCodeOf = (failures: readonly Failure[]): number => {
  const first = failures[0];
  return first === undefined ? 70 : EXIT_OF_FAILURE[first.kind];
};

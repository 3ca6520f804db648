/**
 * What a source file draws in, read off its syntax: the stuff of input closures (gate.md, 'Verdict cache').
 * Whatever cannot be told is told as `computed`, `reads` or `outside`: a closure widens, it never narrows.
 */
export interface ModuleFacts {
  /** SHA-256 of the tokens without comments and formatting; hex. */
  readonly fingerprint: string;
  /** Constant import specifiers, as written. For Python: dotted names, with leading dots for relative ones. */
  readonly imports: readonly string[];
  /** Something is imported whose name is made at run time. */
  readonly computed: boolean;
  /** May read files of the tree. */
  readonly reads: boolean;
  /** Constant strings that look like paths, so that a closure can hold what they name. At most 500. */
  readonly paths: readonly string[];
  /** Why what this file does is no function of the tree (network, clock, randomness, other programs…); null: it is. */
  readonly outside: string | null;
}

/** Where a command prints. Results go to `out`, everything else to `err` (contract, section 4). */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** True when standard error is a terminal: progress is shown only then. */
  readonly interactive: boolean;
  readonly columns: number;
}

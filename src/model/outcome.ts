/**
 * What running one case came to. The runner's report decides; output never does.
 */
import type { Observed } from './observation.js';
import type { PlaceName } from './plan.js';
import type { Proof, Reason } from './verdict.js';

/** One stream's capture on disk. `truncated` when the cap cut it; the cut is on a character boundary and marked in the file. */
export interface Captured {
  /** Path of the file, absolute. */
  readonly file: string;
  readonly bytes: number;
  readonly truncated: boolean;
}

export interface Layer {
  readonly id: string;
  readonly key: string;
  readonly hit: boolean;
}

export interface Outcome {
  readonly case: string;
  readonly reason: Reason;
  /** One line for a person: the failure's first line, what was not found, what is missing. */
  readonly detail: string;
  /** Several lines: assertion message, compiler error. Empty when there is none. */
  readonly message: string;
  readonly proof: Proof | null;
  /** Why a pass is not a steady one: it passed only after a retry. One line; absent: it passed at once, or did not pass. */
  readonly flaky?: string;
  readonly command: readonly string[];
  readonly place: PlaceName;
  readonly exitCode: number | null;
  /** 1 for the first try; a retry after infrastructure trouble or a crash isolation counts up. */
  readonly attempt: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly durationMs: number;
  /** Environment that the project or the caller declared or that this tool set (masked); not the whole inherited one. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: Captured | null;
  readonly stderr: Captured | null;
  readonly imageId: string | null;
  readonly layers: readonly Layer[];
  /** Copied artifact files, absolute. */
  readonly artifacts: readonly string[];
  /** What the programs of its batch rested on, all of them; absent where nothing was observed. One list for all cases of the batch. */
  readonly observed?: readonly Observed[];
}

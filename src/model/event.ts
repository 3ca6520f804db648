/**
 * All that can happen while verifying, as one closed union: progress, logs and recordings listen to it.
 * Adding a member makes every exhaustive listener fail to compile, which is the point.
 */
import type { Outcome } from './outcome.js';
import type { Batch } from './plan.js';

export type RunEvent =
  | { readonly type: 'run.planned'; readonly cases: number; readonly reused: number; readonly batches: number }
  | { readonly type: 'batch.start'; readonly batch: Batch; readonly command: readonly string[] }
  | { readonly type: 'case.end'; readonly outcome: Outcome; readonly selector: string }
  | { readonly type: 'batch.end'; readonly batch: Batch; readonly durationMs: number }
  | { readonly type: 'output'; readonly batch: string; readonly stream: 'stdout' | 'stderr'; readonly line: string }
  | { readonly type: 'warm_boot.start'; readonly session_id: string; readonly target_dir: string }
  | { readonly type: 'warm_boot.done'; readonly fields: Readonly<Record<string, unknown>> }
  /** `file`: the input that changed last, or what stands for the package. */
  | {
      readonly type: 'cargo.stale_member';
      readonly package: string;
      readonly target_dir: string;
      readonly file?: string;
    }
  | {
      readonly type: 'layer';
      readonly environment: string;
      readonly layer: string;
      readonly key: string;
      readonly hit: boolean;
    }
  | { readonly type: 'retry'; readonly case: string; readonly why: string; readonly attempt: number }
  | { readonly type: 'note'; readonly message: string };

export type EventSink = (event: RunEvent) => void;

/**
 * What a speculative run needs from cargo: a warm directory for its session, and the environment that makes the runner use
 * it. Purge, touch, gate and the cold repetition are the runner's own work under the directory's lock, so nothing that
 * comes out of a run with this environment has to be checked again by the caller.
 */
import type { WarmReport } from '../../../model/index.js';
import { warmBoot, type WarmOptions } from './boot.js';
import { workerCargoEnv } from './target-directory.js';

export interface SpeculativeOptions extends WarmOptions {
  readonly sessionId: string;
  /** A worktree of coherence's own, already checked out; it is touched. Never the user's tree. */
  readonly worktree: string;
  /** The one switch (`--speculative`, `cargo.speculative`). */
  readonly enabled: boolean;
}

export interface Speculative {
  readonly report: WarmReport;
  /** For `RunContext.cargoEnv`: [] when nothing is warm (the run goes on cold), else the one pair CARGO_TARGET_DIR. */
  readonly cargoEnv: readonly (readonly [string, string])[];
}

export async function speculativeCargo(options: SpeculativeOptions): Promise<Speculative> {
  const report = await warmBoot(options.sessionId, options.worktree, options.enabled, options);
  return {
    report,
    cargoEnv: workerCargoEnv(options.sessionId, report.status === 'Warmed', options.env ?? process.env),
  };
}

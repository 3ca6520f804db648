/** The cargo backend: the runner, and the warm target directory of a session. */
export { cargo, cargoRunner, type CargoRunnerOptions } from './runner.js';
export { warmBoot, warmRecord, skippedReport, DEFAULT_WARM_TIMEOUT_MS, type WarmOptions } from './warm/boot.js';
export { cleanWarm, type CleanOptions, type CleanReport } from './warm/clean.js';
export { assertReuse, type ReuseProof } from './warm/reuse.js';
export { speculativeCargo, type Speculative, type SpeculativeOptions } from './warm/speculative.js';
export { warmTargetDir, workerCargoEnv } from './warm/target-directory.js';

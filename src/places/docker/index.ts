/** Docker as a place where checks run: cached system layers, fresh source, exact verdicts (docs/docker.md). */
export { dockerGc, sweepDeadRuns, type Collected, type CollectOptions } from './collect.js';
export { dockerStatus, type ConnectOptions } from './connect.js';
export { dockerPlace, type DockerOptions, type DockerPlace } from './place.js';
export type { Swept } from './sweep.js';
export type { DockerWorkspace } from './workspace.js';

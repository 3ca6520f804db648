/** Stage 6: plan → outcomes. Runners know test tools, places know where programs run; see adapters.ts. */
export type {
  Availability,
  Executed,
  Invocation,
  Observe,
  OpenRequest,
  Place,
  RunContext,
  Runner,
  Workspace,
} from './adapters.js';
export {
  execute,
  previewOf,
  type EndCause,
  type ExecuteOptions,
  type Execution,
  type Preview,
  type PrivateDaemon,
} from './execute.js';
export { inheritedEnv } from './environment.js';

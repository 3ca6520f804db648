export { prepareDependencies, type DependencyRequest, type Prepared } from './prepare.js';
export type { Workspaces } from './manifests.js';

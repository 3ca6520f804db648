export { prepareDependencies, type DependencyRequest, type Prepared } from './prepare.js';

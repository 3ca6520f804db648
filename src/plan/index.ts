export type { PlanOptions } from './cases.js';
export { plan, toRun, withReuse, type Selection } from './plan.js';

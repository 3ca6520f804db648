export { coverageOf, percentage, type Coverage, type CoverageRow, type LastVerdict } from './coverage.js';
export { parseSelector, type Selector } from './selector.js';
export { suggest, type Candidate } from './suggest.js';
export { isUnlinked, namedFiles, trace } from './trace.js';

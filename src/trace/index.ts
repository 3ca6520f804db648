export { parseSelector, type Selector } from './selector.js';
export { isUnlinked, namedFiles, trace } from './trace.js';

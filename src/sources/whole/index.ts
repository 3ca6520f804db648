export { openWholeMemo, type WholeMemo } from './memo.js';
export { OUTPUT_NAMES } from './outputs.js';
export { readWhole, type WholeProject } from './whole.js';

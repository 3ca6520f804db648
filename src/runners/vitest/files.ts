import { REPORTER, REPORTER_NAME } from './reporter.js';
import { SETUP, SETUP_NAME } from './setup.js';

/** Name → text of what our reporter for vitest consists of; they lie in one folder. */
export const REPORTER_FILES: ReadonlyMap<string, string> = new Map([
  [REPORTER_NAME, REPORTER],
  [SETUP_NAME, SETUP],
]);

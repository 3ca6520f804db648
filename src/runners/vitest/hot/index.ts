/** A vitest that stays in memory, for warm workers. */
export { hotHost, type HotHost } from './host.js';

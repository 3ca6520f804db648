import type { Reporter } from './reporter.js';

/** The record itself (contract, section 5). */
export const json: Reporter = { name: 'json', render: (record) => `${JSON.stringify(record, null, 2)}\n` };

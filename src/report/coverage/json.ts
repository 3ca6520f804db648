import type { CoverageFormat } from './view.js';

/** The whole view, schema `coherence.coverage/1`. */
export const json: CoverageFormat = {
  name: 'json',
  render: (view) => `${JSON.stringify({ schema: 'coherence.coverage/1', ...view }, null, 2)}\n`,
};

import type { OptionSpec } from './table/types.js';

/** Options of every command (contract, section 4). */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { name: 'help', short: 'h', kind: 'flag', summary: 'show this help' },
  { name: 'version', kind: 'flag', summary: 'show the version' },
  { name: 'json', kind: 'flag', summary: 'one JSON document on standard output' },
  { name: 'cwd', kind: 'string', placeholder: 'DIR', summary: 'work in DIR' },
  { name: 'no-color', kind: 'flag', summary: 'no colours' },
  { name: 'quiet', short: 'q', kind: 'flag', summary: 'results only' },
  { name: 'verbose', short: 'v', kind: 'flag', summary: 'say more' },
];

export { readJsonl, type ImportedCatalog, type ReadJsonlOptions } from './jsonl-read.js';
export { KEPT, writeJsonl } from './jsonl-write.js';
export { RECORD_TYPES, type RecordType } from './jsonl-lines.js';
export { testQuery, type ResolveTest, type TestQuery } from './test-command.js';
export { writeYaml } from './yaml.js';

/** Names of the formats that `export` and `import` know. */
export const FORMAT_NAMES = ['yaml', 'jsonl'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

export { readJsonl, type ImportedCatalog, type ReadJsonlOptions } from './jsonl-read.js';
export { KEPT, writeJsonl } from './jsonl-write.js';
export { RECORD_TYPES, type RecordType } from './jsonl-lines.js';
export { testQuery, type ResolveTest, type TestQuery } from './test-command.js';
export { writeYaml } from './yaml.js';

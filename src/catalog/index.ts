export {
  decodeUtf8,
  editMapping,
  emitPair,
  isMapNode,
  isSequenceNode,
  pairOf,
  jsonSchema,
  commentsIn,
  parseYaml,
  plainYaml,
  quoted,
  readShape,
  shapes,
  textTrouble,
  type AnyShape,
  type JsonMap,
  type Layout,
  type Shape,
  type YamlMap,
  type YamlNode,
  type YamlSource,
} from '../yaml/index.js';
export { editSpecText } from './edit.js';
export { formatSpec } from './format.js';
export { foldId, isStrictId, MAX_ID, specFileName } from './ids.js';
export { SPECS_FOLDER, type CatalogSource } from './files.js';
export type { UnreadFile } from './files.js';
export { loadCatalog, readCatalog, type LoadCatalogOptions, type LoadedCatalog } from './load.js';
export { LIMITS } from './limits.js';
export { mergeCatalogs, type CatalogMerge, type Conflict, type Side } from './merge.js';
export { plainSpec, sameSpec } from './merge-values.js';
export { parseSpecText, placeInSpec } from './parse.js';
export { criterionRecord, linkRecord, specRecord, withoutPositions } from './record.js';
export { selectorPath, specShape } from './spec-shape.js';
export { foreignFormat, type CatalogFormat, type ForeignCatalog, type ForeignFile } from './formats/foreign/index.js';
export {
  readJsonl,
  RECORD_TYPES,
  testQuery,
  writeJsonl,
  writeYaml,
  type ImportedCatalog,
  type ReadJsonlOptions,
  type RecordType,
  type ResolveTest,
  type TestQuery,
} from './formats/index.js';
export { planImport, type ImportChange, type ImportPlan } from './plan-import.js';
export { schemaDocument, specSchema } from './schema.js';

export {
  commentsIn,
  parseYaml,
  plainYaml,
  yaml,
  YAML_LIMITS,
  type YamlMap,
  type YamlNode,
  type YamlPair,
  type YamlParse,
  type YamlSequence,
  type YamlSource,
} from './source.js';
export { decodeUtf8 } from './encoding.js';
export { accepts } from './accepts.js';
export { isMapNode, isSequenceNode, MAX_FAILURES, quoted, readShape, textTrouble, type ReadResult } from './reader.js';
export * as shapes from './shape.js';
export type { AnyShape, Shape, TextShape } from './shape.js';
export { jsonSchema } from './schema.js';
export { emitFlow, emitItem, emitMap, emitPair, emitScalar, type JsonMap } from './emit.js';
export { editMapping, pairOf, reorderList, same, type Layout, type ListLayout } from './edit.js';

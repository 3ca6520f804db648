import type { Json } from '../model/index.js';
import { specShape } from './spec-shape.js';
import { jsonSchema, type AnyShape } from '../yaml/index.js';

/** JSON Schema (2020-12) of a file with this shape, for editors. */
export const schemaDocument = (title: string, shape: AnyShape): { readonly [key: string]: Json } => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title,
  ...jsonSchema(shape),
});

export const specSchema = (): { readonly [key: string]: Json } => schemaDocument('coherence spec file', specShape);

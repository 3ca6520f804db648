import type { Json } from '../model/index.js';
import { unreachable } from '../util/unreachable.js';
import type { AnyShape, TextShape } from './shape.js';

type SchemaObject = { readonly [key: string]: Json };

/** A shape as JSON Schema 2020-12, for editors. What only code can check (paths, cross references) is left to `check`. */
export function jsonSchema(shape: AnyShape): SchemaObject {
  const doc: SchemaObject = shape.doc === undefined ? {} : { description: shape.doc };
  switch (shape.kind) {
    case 'text':
      return {
        ...doc,
        type: textTypes(shape),
        ...(shape.empty ? {} : { minLength: 1 }),
        maxLength: shape.max,
        ...(shape.pattern === undefined ? {} : { pattern: shape.pattern.source }),
      };
    case 'choice':
      return { ...doc, enum: shape.values };
    case 'number':
      return { ...doc, type: shape.integer ? 'integer' : 'number', minimum: shape.min, maximum: shape.max };
    case 'boolean':
      return { ...doc, type: 'boolean' };
    case 'list':
      return { ...doc, type: 'array', items: jsonSchema(shape.of), maxItems: shape.max };
    case 'map':
      return {
        ...doc,
        type: 'object',
        propertyNames: { pattern: shape.keys.source },
        additionalProperties: jsonSchema(shape.of),
        maxProperties: shape.max,
      };
    case 'either':
      return { ...doc, anyOf: shape.of.map(jsonSchema) };
    case 'json':
      return shape.mapping ? { ...doc, type: 'object' } : doc;
    case 'record':
      return {
        ...doc,
        type: shape.empty ? ['object', 'null'] : 'object',
        additionalProperties: false,
        properties: Object.fromEntries(Object.entries(shape.fields).map(([key, field]) => [key, jsonSchema(field)])),
        ...(shape.required.length === 0 ? {} : { required: shape.required }),
        ...(shape.oneOf === undefined ? {} : { oneOf: shape.oneOf.map((key) => ({ required: [key] })) }),
        ...(shape.apart === undefined ? {} : { allOf: shape.apart.map((pair) => ({ not: { required: pair } })) }),
      };
    default:
      return unreachable(shape);
  }
}

function textTypes(shape: TextShape): Json {
  const types = ['string', ...(shape.digits ? ['integer'] : []), ...(shape.nullable ? ['null'] : [])];
  return types.length === 1 ? 'string' : types;
}

/**
 * Plain values against shapes, without YAML: the quick answer for imports of many thousand records. True only for a value
 * that is read back unchanged from its own canonical text; false means "look closer", and the reader then says what is wrong.
 */
import { unreachable } from '../util/unreachable.js';
import { textTrouble } from './reader.js';
import type { AnyShape } from './shape.js';
import { YAML_LIMITS } from './source.js';

/** Keys that no reader takes for anything but a text. YAML limits keys to 1,024 characters; these are far below. */
const KEY = /^[A-Za-z_][A-Za-z0-9_.-]{0,199}$/;
/** Deeper values are left to the reader, which knows the exact limit. */
const DEPTH = YAML_LIMITS.depth / 2;

type Map = Readonly<Record<string, unknown>>;
const isMap = (value: unknown): value is Map => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether `value` is one that the shape allows, and its text one that a file can hold. */
export function accepts(shape: AnyShape, value: unknown): boolean {
  const size = { bytes: 0 };
  return fits(shape, value, 0, size) && size.bytes < YAML_LIMITS.bytes;
}

interface Size {
  /** Upper bound of what the value's text takes. */
  bytes: number;
}

function sized(text: string, depth: number, size: Size): true {
  // At worst every character is written as an escape, and every line of a block is indented.
  const lines = text.includes('\n') ? text.split('\n').length : 1;
  size.bytes += text.length * 6 + lines * (2 * depth + 16);
  return true;
}

function fits(shape: AnyShape, value: unknown, depth: number, size: Size): boolean {
  if (depth > DEPTH) return false;
  switch (shape.kind) {
    case 'text':
      if (value === null) return shape.nullable && sized('', depth, size);
      return typeof value === 'string' && textTrouble(shape, value) === null && sized(value, depth, size);
    case 'choice':
      return typeof value === 'string' && shape.values.includes(value) && sized(value, depth, size);
    case 'number':
      return (
        typeof value === 'number' &&
        Number.isSafeInteger(value) &&
        value >= shape.min &&
        value <= shape.max &&
        sized('', depth, size)
      );
    case 'boolean':
      return typeof value === 'boolean' && sized('', depth, size);
    case 'list':
      return (
        Array.isArray(value) &&
        value.length <= shape.max &&
        value.every((item) => fits(shape.of, item, depth + 1, size))
      );
    case 'record': {
      if (!isMap(value)) return false;
      const keys = Object.keys(value);
      return (
        keys.every((key) => {
          const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
          return field !== undefined && sized(key, depth, size) && fits(field, value[key], depth + 1, size);
        }) &&
        shape.required.every((key) => Object.hasOwn(value, key)) &&
        (shape.oneOf === undefined || shape.oneOf.filter((key) => Object.hasOwn(value, key)).length === 1) &&
        (shape.apart ?? []).every(([left, right]) => !Object.hasOwn(value, left) || !Object.hasOwn(value, right))
      );
    }
    case 'map':
      return (
        isMap(value) &&
        Object.keys(value).length <= shape.max &&
        Object.entries(value).every(
          ([key, item]) =>
            KEY.test(key) && shape.keys.test(key) && sized(key, depth, size) && fits(shape.of, item, depth + 1, size),
        )
      );
    case 'either': {
      const wanted = shape.of.find((candidate) =>
        candidate.kind === 'list'
          ? Array.isArray(value)
          : candidate.kind === 'map' || candidate.kind === 'record'
            ? isMap(value)
            : candidate.kind === 'text' && typeof value === 'string',
      );
      return wanted !== undefined && fits(wanted, value, depth, size);
    }
    case 'json':
      return (!shape.mapping || isMap(value)) && fitsJson(value, depth, size);
    default:
      return unreachable(shape);
  }
}

const ANY_TEXT: AnyShape = { kind: 'text', max: Infinity, empty: true, digits: false, nullable: false };

function fitsJson(value: unknown, depth: number, size: Size): boolean {
  if (depth > DEPTH) return false;
  if (typeof value === 'string') return fits(ANY_TEXT, value, depth, size);
  if (value === null || typeof value === 'boolean') return sized('', depth, size);
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) && sized('', depth, size);
  if (Array.isArray(value)) return value.every((item) => fitsJson(item, depth + 1, size));
  return (
    isMap(value) &&
    Object.entries(value).every(
      ([key, item]) => KEY.test(key) && sized(key, depth, size) && fitsJson(item, depth + 1, size),
    )
  );
}

/**
 * Values → canonical YAML text: keys in the order given, short lists on one line, texts of several lines as literal
 * blocks, everything else quoted when a reader could take it for something else. No folding: what is one line stays one.
 */
import type { Json } from '../model/index.js';

export type JsonMap = { readonly [key: string]: Json };

const isMap = (value: Json): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** Lists of plain scalars up to this many characters stay on one line. */
const FLOW_WIDTH = 90;

/** What YAML 1.2 (and 1.1, for other tools) would not read as a text. Texts that start with a digit are quoted unless they are a duration. */
const NOT_TEXT = /^(?:~|null|true|false|yes|no|on|off|y|n|\.inf|\.nan)$/i;
const DURATION = /^\d{1,6}(?:ms|s|m|h)$/;
const PLAIN = /^[\p{L}_/.$(][\p{L}\p{M}\p{N} _/.,;$()<>=+*@%^~|?!'"&\\:#\u2026\u2013\u2014\u2019-]*$/u;

/** True when the text can stand unquoted. `flow`: inside [] or {}. */
function plain(value: string, flow: boolean): boolean {
  if (DURATION.test(value)) return true;
  if (!PLAIN.test(value) || NOT_TEXT.test(value)) return false;
  if (
    value.endsWith(' ') ||
    value.endsWith(':') ||
    value.includes(': ') ||
    value.includes(' #') ||
    /^[.]+\d|^\.\.\.$|^\.(?:inf|nan)$/i.test(value)
  )
    return false;
  return !flow || !/[,:?]/.test(value);
}

/** A scalar on one line. */
export function emitScalar(value: string | number | boolean | null, flow = false): string {
  if (typeof value !== 'string') return value === null ? 'null' : String(value);
  return plain(value, flow) ? value : doubleQuoted(value);
}

/** JSON's escapes are YAML's; what JSON leaves raw but an editor, a terminal or a YAML reader may mangle is escaped too. */
const doubleQuoted = (value: string): string =>
  JSON.stringify(value).replace(
    /[\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );

/** True when the text can be a literal block and come back unchanged. */
const blockable = (value: string): boolean =>
  /^(?!\s)[^\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]*$/u.test(value) &&
  value.includes('\n') &&
  !value.endsWith('\n\n') &&
  !/[ \t]\n*$/.test(value);

function blockText(value: string, indent: number): string {
  const pad = ' '.repeat(indent);
  const body = value.endsWith('\n') ? value.slice(0, -1) : value;
  const lines = body.split('\n').map((line) => (line === '' ? '' : pad + line));
  return `${value.endsWith('\n') ? '|' : '|-'}\n${lines.join('\n')}`;
}

/** Any value on one line. */
export function emitFlow(value: Json): string {
  if (isList(value)) return `[${value.map(emitFlow).join(', ')}]`;
  if (isMap(value)) {
    const entries = Object.entries(value);
    return entries.length === 0
      ? '{}'
      : `{ ${entries.map(([key, item]) => `${emitScalar(key, true)}: ${emitFlow(item)}`).join(', ')} }`;
  }
  return emitScalar(value, true);
}

const short = (value: readonly Json[]): boolean =>
  value.every((item) => !isList(item) && !isMap(item)) && emitFlow(value).length <= FLOW_WIDTH;

/**
 * `key: value` as lines, the first without its indentation, without a final line feed.
 * `indent` is the column (from 0) of the key.
 */
export function emitPair(key: string, value: Json, indent: number): string {
  const name = emitScalar(key);
  if (isList(value))
    return value.length === 0 || short(value)
      ? `${name}: ${emitFlow(value)}`
      : `${name}:\n${emitItems(value, indent + 2)}`;
  if (isMap(value)) {
    if (key === 'expect' || Object.keys(value).length === 0) return `${name}: ${emitFlow(value)}`;
    return `${name}:\n${' '.repeat(indent + 2)}${emitMap(value, indent + 2)}`;
  }
  return typeof value === 'string' && blockable(value)
    ? `${name}: ${blockText(value, indent + 2)}`
    : `${name}: ${emitScalar(value)}`;
}

/** All pairs of a map, the first without its indentation. */
export function emitMap(value: JsonMap, indent: number): string {
  const entries = Object.entries(value);
  return entries.length === 0
    ? '{}'
    : entries.map(([key, item]) => emitPair(key, item, indent)).join(`\n${' '.repeat(indent)}`);
}

/** The items of a list, each with its indentation; `indent` is the column of the dashes. */
export const emitItems = (items: readonly Json[], indent: number): string =>
  items.map((item) => ' '.repeat(indent) + emitItem(item, indent)).join('\n');

/** `- item` as lines, the first without its indentation. */
export function emitItem(item: Json, indent: number): string {
  if (isMap(item)) return `- ${emitMap(item, indent + 2)}`;
  if (isList(item)) return `- ${emitFlow(item)}`;
  return typeof item === 'string' && blockable(item) ? `- ${blockText(item, indent + 2)}` : `- ${emitScalar(item)}`;
}

/**
 * YAML nodes → plain values of a shape, with every mistake reported at its place. Nothing throws; a value with a mistake
 * is left out, and the caller sees the failures.
 */
import type { Failure, Json } from '../model/index.js';
import { nearest, visibleLine } from '../util/text.js';
import { unreachable } from '../util/unreachable.js';
import type { AnyShape, MapShape, NumberShape, RecordShape, Shape, TextShape } from './shape.js';
import {
  YAML_LIMITS,
  yaml,
  type YamlMap,
  type YamlNode,
  type YamlPair,
  type YamlSequence,
  type YamlSource,
} from './source.js';

/** At most this many mistakes are listed for one file. */
export const MAX_FAILURES = 100;

const CORE_TAGS: ReadonlySet<string> = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((name) => `tag:yaml.org,2002:${name}`),
);
const BAD = Symbol('bad');
type Read = unknown;

export interface ReadResult<T> {
  /** Undefined when the value as a whole could not be read. Trust it only when there are no failures. */
  readonly value: T | undefined;
  readonly failures: readonly Failure[];
}

/** Reads the node as the shape says. `path` is how messages call it ('' for the file's root). */
export function readShape<T>(shape: Shape<T>, node: YamlNode | null, source: YamlSource, path = ''): ReadResult<T> {
  const reader = new Reader(source);
  const value = reader.read(shape, node, path, node?.range?.[0] ?? 0, 0);
  // What `read` gives for a shape is what the shape's type parameter says: the constructors in shape.ts tie the two.
  return { value: value === BAD ? undefined : (value as T), failures: reader.failures };
}

/** Text for messages: short, on one line, without control characters. */
export const quoted = (value: string): string =>
  JSON.stringify(visibleLine(value.length > 80 ? `${value.slice(0, 79)}…` : value));

export const isMapNode = (node: unknown): node is YamlMap => yaml.isMap(node);
export const isSequenceNode = (node: unknown): node is YamlSequence => yaml.isSeq(node);

class Reader {
  readonly failures: Failure[] = [];
  private aliases = 0;

  constructor(private readonly source: YamlSource) {}

  private fail(offset: number, message: string, hint?: string, kind?: Failure['kind']): typeof BAD {
    if (this.failures.length < MAX_FAILURES) {
      const found = this.source.fail(offset, message, hint);
      this.failures.push(kind === undefined ? found : { ...found, kind });
    }
    return BAD;
  }

  /** Follows aliases (a bounded number of them) and refuses tags. Undefined after a failure; null for an empty value. */
  private resolve(node: YamlNode | null, path: string): YamlNode | null | undefined {
    let current = node;
    const offset = node?.range?.[0] ?? 0;
    if (yaml.isAlias(current)) {
      this.aliases += 1;
      if (this.aliases > YAML_LIMITS.aliases) {
        if (this.aliases === YAML_LIMITS.aliases + 1)
          this.fail(
            offset,
            `More than ${YAML_LIMITS.aliases} aliases are expanded in this file.`,
            'Write the values out.',
          );
        return undefined;
      }
      current = current.resolve(this.source.document) ?? null;
      if (current === null) {
        this.fail(offset, `${path || 'The file'} is an alias of nothing.`, 'Define the anchor before its alias.');
        return undefined;
      }
    }
    if (current?.tag !== undefined && !CORE_TAGS.has(current.tag)) {
      this.fail(
        offset,
        `The tag ${quoted(current.tag)} is not allowed.`,
        'Remove the tag, or quote a value that starts with "!".',
      );
      return undefined;
    }
    return current;
  }

  read(shape: AnyShape, written: YamlNode | null, path: string, near: number, depth: number): Read {
    const offset = written?.range?.[0] ?? near;
    const name = path === '' ? 'The file' : path;
    if (depth > YAML_LIMITS.depth)
      return this.fail(offset, `${name} is nested deeper than ${YAML_LIMITS.depth} levels.`, 'Flatten the structure.');
    const node = this.resolve(written, path);
    if (node === undefined) return BAD;
    switch (shape.kind) {
      case 'text':
        return this.text(shape, node, name, offset);
      case 'choice': {
        const value = scalar(node);
        if (typeof value === 'string' && shape.values.includes(value)) return value;
        const hint = typeof value === 'string' ? nearest(value, shape.values) : null;
        return this.fail(
          offset,
          `${name}: ${shown(node)} is not one of ${shape.values.join(', ')}.`,
          hint === null ? `Write one of ${shape.values.join(', ')}.` : `Did you mean "${hint}"?`,
        );
      }
      case 'number':
        return this.number(shape, node, name, offset);
      case 'boolean': {
        const value = scalar(node);
        return typeof value === 'boolean'
          ? value
          : this.fail(
              offset,
              `${name} must be true or false, not ${shown(node)}.`,
              'Write true or false, without quotes.',
            );
      }
      case 'list': {
        if (!isSequenceNode(node))
          return this.fail(
            offset,
            `${name} must be a list, not ${shown(node)}.`,
            'Write it as [a, b] or one "- item" a line.',
          );
        if (node.items.length > shape.max)
          return this.fail(
            offset,
            `${name} has ${node.items.length} entries; the limit is ${shape.max}.`,
            'Remove or split entries.',
          );
        return node.items
          .map((item, index) => this.read(shape.of, item, `${path}[${index}]`, offset, depth + 1))
          .filter((value) => value !== BAD);
      }
      case 'record':
        return this.record(shape, node, path, offset, depth);
      case 'map':
        return this.map(shape, node, path, offset, depth);
      case 'either': {
        const wanted = shape.of.find((candidate) => fits(candidate, node));
        if (wanted !== undefined) return this.read(wanted, node, path, offset, depth);
        return this.fail(
          offset,
          `${name} must be ${shape.of.map(nameOf).join(' or ')}, not ${shown(node)}.`,
          `Write ${shape.of.map(nameOf).join(' or ')}.`,
        );
      }
      case 'json': {
        if (shape.mapping && !isMapNode(node))
          return this.fail(
            offset,
            `${name} must be a mapping, not ${shown(node)}.`,
            'Write "key: value" lines below it.',
          );
        return this.json(node, path, offset, depth);
      }
      default:
        return unreachable(shape);
    }
  }

  private text(shape: TextShape, node: YamlNode | null, name: string, offset: number): Read {
    let value = scalar(node);
    if (shape.digits && typeof value === 'number' && Number.isSafeInteger(value)) value = String(value);
    if (shape.nullable && (node === null || value === null)) return null;
    if (node === null || value === null)
      return this.fail(offset, `${name} has no value.`, 'Write a text, or leave the key out.');
    if (typeof value !== 'string')
      return this.fail(
        offset,
        `${name} must be a text, not ${shown(node)}.`,
        yaml.isScalar(node) ? 'Put it in quotes.' : 'Write one text.',
      );
    const trouble = textTrouble(shape, value);
    if (trouble === null)
      return shape.as === undefined
        ? value
        : { [shape.as]: value, position: { file: this.source.file, ...this.source.at(offset) } };
    return this.fail(offset, `${name}: ${trouble.message}`, trouble.hint, trouble.refused ? shape.refusal : undefined);
  }

  private number(shape: NumberShape, node: YamlNode | null, name: string, offset: number): Read {
    const value = scalar(node);
    const noun = shape.integer ? 'a whole number' : 'a number';
    if (typeof value !== 'number' || !Number.isFinite(value) || (shape.integer && !Number.isInteger(value)))
      return this.fail(
        offset,
        `${name} must be ${noun} from ${shape.min} to ${shape.max}, not ${shown(node)}.`,
        `Write ${noun}, without quotes.`,
      );
    if (value < shape.min || value > shape.max)
      return this.fail(
        offset,
        `${name} is ${value}; allowed are ${shape.min} to ${shape.max}.`,
        `Write a number from ${shape.min} to ${shape.max}.`,
      );
    return value;
  }

  /** The pairs of a mapping whose keys are texts and stand once. */
  private pairs(
    node: YamlMap,
    path: string,
  ): { readonly key: string; readonly keyOffset: number; readonly pair: YamlPair }[] {
    const seen = new Set<string>();
    const result: { readonly key: string; readonly keyOffset: number; readonly pair: YamlPair }[] = [];
    for (const pair of node.items) {
      const keyOffset = pair.key?.range?.[0] ?? node.range?.[0] ?? 0;
      const keyNode = this.resolve(pair.key, path);
      if (keyNode === undefined) continue;
      const raw = scalar(keyNode);
      const key =
        typeof raw === 'string' ? raw : typeof raw === 'number' || typeof raw === 'boolean' ? sourceOf(keyNode) : null;
      if (key === null)
        this.fail(keyOffset, `${path || 'The file'} has a key that is not a text.`, 'Use a plain word as key.');
      else if (seen.has(key))
        this.fail(
          keyOffset,
          `The key ${quoted(key)} stands twice${path === '' ? '' : ` in ${path}`}.`,
          'Keep one of the two.',
        );
      else {
        seen.add(key);
        result.push({ key, keyOffset, pair });
      }
    }
    return result;
  }

  private record(shape: RecordShape, node: YamlNode | null, path: string, offset: number, depth: number): Read {
    const name = path === '' ? 'The file' : path;
    const known = Object.keys(shape.fields);
    if (shape.empty && scalar(node) === null) return {};
    if (!isMapNode(node)) {
      const what =
        node === null || scalar(node) === null ? 'is empty' : `must be a mapping with keys, not ${shown(node)}`;
      return this.fail(
        offset,
        `${name} ${what}.`,
        shape.required.length > 0 ? `Write at least ${shape.required.join(', ')}.` : `Known keys: ${known.join(', ')}.`,
      );
    }
    const result: Record<string, unknown> = {};
    const present = new Map<string, number>();
    let good = true;
    for (const { key, keyOffset, pair } of this.pairs(node, path)) {
      const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
      if (field === undefined) {
        const near = nearest(key, known);
        const fallback = near === null ? `Known keys: ${known.join(', ')}.` : `Did you mean "${near}"?`;
        this.fail(
          keyOffset,
          `The key ${quoted(key)} is unknown${path === '' ? '' : ` in ${path}`}.`,
          shape.hint?.(key) ?? fallback,
        );
        good = false;
        continue;
      }
      present.set(key, keyOffset);
      const value = this.read(field, pair.value, path === '' ? key : `${path}.${key}`, keyOffset, depth + 1);
      if (value === BAD) good = false;
      else result[key] = value;
    }
    for (const key of shape.required) if (!present.has(key)) good = this.missing(offset, name, key);
    if (shape.oneOf !== undefined) {
      const there = shape.oneOf.filter((key) => present.has(key));
      if (there.length !== 1) {
        this.fail(
          present.get(there[1] ?? '') ?? offset,
          there.length === 0
            ? `${name} needs one of ${shape.oneOf.join(', ')}.`
            : `${name} has ${there.join(' and ')}; only one of ${shape.oneOf.join(', ')} may stand.`,
          `Write exactly one of ${shape.oneOf.join(', ')}.`,
        );
        good = false;
      }
    }
    for (const [left, right] of shape.apart ?? []) {
      if (!present.has(left) || !present.has(right)) continue;
      this.fail(
        Math.max(present.get(left) ?? 0, present.get(right) ?? 0),
        `${name} has both ${left} and ${right}.`,
        `Remove ${left} or ${right}.`,
      );
      good = false;
    }
    if (shape.position) result['position'] = { file: this.source.file, ...this.source.at(offset) };
    return good ? result : BAD;
  }

  private missing(offset: number, name: string, key: string): false {
    this.fail(offset, `${name} has no ${key}.`, `Add "${key}: …".`);
    return false;
  }

  private map(shape: MapShape, node: YamlNode | null, path: string, offset: number, depth: number): Read {
    if (!isMapNode(node))
      return this.fail(offset, `${path} must be a mapping, not ${shown(node)}.`, 'Write "NAME: value" lines below it.');
    if (node.items.length > shape.max)
      return this.fail(
        offset,
        `${path} has ${node.items.length} entries; the limit is ${shape.max}.`,
        'Remove entries.',
      );
    const entries: [string, unknown][] = [];
    for (const { key, keyOffset, pair } of this.pairs(node, path)) {
      if (!shape.keys.test(key))
        this.fail(keyOffset, `${path}: the name ${quoted(key)} must be ${shape.keysSay}.`, 'Rename it.');
      else {
        const value = this.read(shape.of, pair.value, `${path}.${key}`, keyOffset, depth + 1);
        if (value !== BAD) entries.push([key, value]);
      }
    }
    // fromEntries defines own properties, so that `__proto__` is a name like any other.
    return Object.fromEntries(entries);
  }

  private json(node: YamlNode | null, path: string, near: number, depth: number): Json | typeof BAD {
    const offset = node?.range?.[0] ?? near;
    if (depth > YAML_LIMITS.depth)
      return this.fail(offset, `${path} is nested deeper than ${YAML_LIMITS.depth} levels.`, 'Flatten the structure.');
    const nested = (child: YamlNode | null, name: string): Json | typeof BAD => {
      const resolved = this.resolve(child, name);
      return resolved === undefined ? BAD : this.json(resolved, name, offset, depth + 1);
    };
    if (isMapNode(node))
      return Object.fromEntries(
        this.pairs(node, path)
          .map(({ key, pair }) => [key, nested(pair.value, `${path}.${key}`)] as const)
          .filter((entry): entry is readonly [string, Json] => entry[1] !== BAD),
      );
    if (isSequenceNode(node))
      return node.items
        .map((item, index) => nested(item, `${path}[${index}]`))
        .filter((value): value is Json => value !== BAD);
    const value = scalar(node);
    if (value === null || typeof value === 'boolean') return value;
    if (typeof value === 'number')
      return Number.isFinite(value)
        ? value
        : this.fail(offset, `${path} is not a number that JSON knows.`, 'Put it in quotes.');
    if (typeof value !== 'string') return this.fail(offset, `${path} is not a JSON value.`, 'Put it in quotes.');
    const trouble = characterTrouble(value);
    return trouble === null ? value : this.fail(offset, `${path}: ${trouble}`, 'Remove the character.');
  }
}

/** Why a text is refused by its shape, or null. Shared with readers of other formats. */
export function textTrouble(
  shape: TextShape,
  value: string,
): { readonly message: string; readonly hint: string; readonly refused: boolean } | null {
  const trouble = (
    message: string,
    hint: string,
    refused = false,
  ): { message: string; hint: string; refused: boolean } => ({
    message,
    hint,
    refused,
  });
  if (value === '' && !shape.empty) return trouble('the text is empty.', 'Write a text, or leave the key out.');
  // Characters are counted as JSON Schema counts them: code points. The first comparison spares the count.
  if (value.length > shape.max && [...value].length > shape.max)
    return trouble(`the text has ${[...value].length} characters; the limit is ${shape.max}.`, 'Shorten it.');
  const character = characterTrouble(value);
  if (character !== null) return trouble(character, 'Remove the character.');
  if (shape.pattern !== undefined && !shape.pattern.test(value))
    return trouble(
      `${quoted(value)} is not ${shape.says ?? 'of the right form'}.`,
      `Write ${shape.says ?? 'it in the right form'}.`,
    );
  const reason = shape.check?.(value) ?? null;
  if (reason !== null)
    return trouble(
      `${quoted(value)} is refused, because ${reason}.`,
      shape.refusal === 'unsafe-path'
        ? 'Name a path below the project, relative to its root.'
        : `Write ${shape.says ?? 'another value'}.`,
      true,
    );
  return null;
}

function characterTrouble(value: string): string | null {
  if (value.includes('\0')) return 'the text holds a NUL character.';
  return /\p{Surrogate}/u.test(value) ? 'the text holds half of a surrogate pair, which UTF-8 cannot carry.' : null;
}

function scalar(node: YamlNode | null): unknown {
  if (node === null) return null;
  return yaml.isScalar(node) ? node.value : undefined;
}

const sourceOf = (node: YamlNode | null): string => (yaml.isScalar(node) ? (node.source ?? String(node.value)) : '');

function fits(shape: AnyShape, node: YamlNode | null): boolean {
  if (shape.kind === 'list') return isSequenceNode(node);
  if (shape.kind === 'map' || shape.kind === 'record') return isMapNode(node);
  const value = scalar(node);
  if (shape.kind === 'number') return typeof value === 'number';
  if (shape.kind === 'boolean') return typeof value === 'boolean';
  return typeof value === 'string';
}

function nameOf(shape: AnyShape): string {
  if (shape.kind === 'list') return 'a list';
  if (shape.kind === 'map' || shape.kind === 'record') return 'a mapping';
  return shape.kind === 'number' ? 'a number' : shape.kind === 'boolean' ? 'true or false' : 'a text';
}

/** How a message calls what stands there. */
function shown(node: YamlNode | null): string {
  if (isMapNode(node)) return 'a mapping';
  if (isSequenceNode(node)) return 'a list';
  const value = scalar(node);
  if (value === null || value === undefined) return 'nothing';
  return typeof value === 'string' ? quoted(value) : `the ${typeof value} ${sourceOf(node)}`;
}

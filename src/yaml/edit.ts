/**
 * Changes of a YAML text that touch only what changes: the difference between two values becomes a few replaced
 * ranges, and every other byte (comments, key order, line ends) stays. What cannot be placed that finely gives null,
 * and the caller writes a larger part anew.
 */
import type { Json } from '../model/index.js';
import { canonicalJson } from '../util/hash.js';
import { emitFlow, emitItem, emitPair, type JsonMap } from './emit.js';
import { isMapNode, isSequenceNode } from './reader.js';
import { yaml, type YamlMap, type YamlNode, type YamlPair, type YamlSequence } from './source.js';

interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** How the lists and mappings of a file are laid out: which fields hold records, in which order their keys stand. */
export interface Layout {
  /** Canonical order of keys: a new one goes after its nearest predecessor that is there. */
  readonly order: readonly string[];
  /** Fields that are lists of records, edited item by item. */
  readonly lists: Readonly<Record<string, ListLayout>>;
  /** Fields that are mappings, edited key by key. */
  readonly maps?: Readonly<Record<string, Layout>>;
  /** True when the mapping may lose its last key: a file's root, which is then an empty file. */
  readonly mayBeEmpty?: boolean;
}

export interface ListLayout {
  readonly item: Layout;
  /** What makes two versions of an item the same one. */
  readonly identity: (item: Json) => string;
}

export const same = (left: Json | undefined, right: Json | undefined): boolean =>
  canonicalJson(left ?? null) === canonicalJson(right ?? null) && (left === undefined) === (right === undefined);
const isJsonMap = (value: Json | undefined): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `text` with the mapping `node` changed from `current` to `next`, or null when that needs more than local edits. */
export function editMapping(
  text: string,
  node: YamlNode | null,
  current: JsonMap,
  next: JsonMap,
  layout: Layout,
): string | null {
  const editor = new Editor(text);
  if (!isMapNode(node) || !editor.map(node, current, next, layout)) return null;
  return editor.apply();
}

class Editor {
  private readonly edits: TextEdit[] = [];
  private readonly lineEnd: '\n' | '\r\n';

  constructor(private readonly text: string) {
    this.lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  }

  /** The edited text; null when two edits overlap. */
  apply(): string | null {
    // Stable: insertions at one place stay in the order in which they were asked for.
    const edits = [...this.edits].sort((left, right) => left.start - right.start);
    let result = '';
    let at = 0;
    for (const edit of edits) {
      if (edit.start < at) return null;
      result += this.text.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return result + this.text.slice(at);
  }

  private replace(start: number, end: number, text: string): true {
    this.edits.push({ start, end, text: this.lineEnd === '\n' ? text : text.replaceAll('\n', this.lineEnd) });
    return true;
  }

  map(node: YamlMap, current: JsonMap, next: JsonMap, layout: Layout): boolean {
    const removed = Object.keys(current).filter((key) => next[key] === undefined);
    const added = Object.keys(next).filter((key) => current[key] === undefined);
    if (removed.length === Object.keys(current).length && (layout.mayBeEmpty !== true || added.length > 0))
      return false;
    for (const key of Object.keys(next)) {
      if (current[key] === undefined || same(current[key], next[key])) continue;
      const pair = pairOf(node, key);
      if (pair === null || !this.change(node, pair, key, current[key], next[key] ?? null, layout)) return false;
    }
    for (const key of removed) {
      const pair = pairOf(node, key);
      if (pair === null || !this.removePair(node, pair)) return false;
    }
    return this.addPairs(node, added, removed, next, layout);
  }

  private change(node: YamlMap, pair: YamlPair, key: string, current: Json, next: Json, layout: Layout): boolean {
    const inner = layout.maps?.[key];
    if (inner !== undefined && isMapNode(pair.value) && isJsonMap(current)) {
      if (isJsonMap(next)) return this.map(pair.value, current, next, inner);
      // A group that loses all its keys and keeps its comments.
      if (next === null && pair.value.flow !== true)
        return this.map(pair.value, current, {}, { ...inner, mayBeEmpty: true });
    }
    const list = layout.lists[key];
    if (
      list !== undefined &&
      isSequenceNode(pair.value) &&
      Array.isArray(current) &&
      Array.isArray(next) &&
      next.length > 0 &&
      current.length > 0 &&
      pair.value.flow !== true
    ) {
      // Array.isArray narrows to any[]; both are Json by their types.
      return this.list(pair.value, current as readonly Json[], next as readonly Json[], list);
    }
    const start = startOf(pair);
    const end = contentEnd(pair.value ?? pair.key);
    if (start === null || end === null || yaml.isAlias(pair.value)) return false;
    if (node.flow === true) {
      const from = pair.value?.range?.[0];
      return from !== undefined && pair.value !== null && this.replace(from, end, emitFlow(next));
    }
    return this.replace(start, this.trimmed(start, end), emitPair(key, next, this.column(start)));
  }

  private removePair(node: YamlMap, pair: YamlPair): boolean {
    const start = startOf(pair);
    const end = contentEnd(pair.value ?? pair.key);
    if (start === null || end === null) return false;
    const index = node.items.indexOf(pair);
    if (node.flow === true) {
      const following = node.items[index + 1];
      const nextStart = following === undefined ? null : startOf(following);
      if (nextStart !== null) return this.replace(start, nextStart, '');
      const before = /,\s*$/.exec(this.text.slice(0, start));
      return before !== null && this.replace(before.index, end, '');
    }
    const lineStart = this.lineStart(start);
    if (/^[ \t]*$/.test(this.text.slice(lineStart, start)))
      return this.removeLines(lineStart, this.trimmed(start, end));
    // The first key of a list item stands behind its dash: the next key takes its place.
    const following = node.items[index + 1];
    const nextStart = following === undefined ? null : startOf(following);
    return nextStart !== null && this.replace(start, nextStart, '');
  }

  private removeLines(start: number, end: number): true {
    const lineEnd = this.endOfLine(end);
    if (lineEnd < this.text.length)
      return this.replace(start, this.text[lineEnd] === '\r' ? lineEnd + 2 : lineEnd + 1, '');
    // The last line of a file without a final line feed: the one before it goes instead.
    return this.replace(Math.max(0, this.text[start - 2] === '\r' ? start - 2 : start - 1), lineEnd, '');
  }

  private addPairs(
    node: YamlMap,
    added: readonly string[],
    removed: readonly string[],
    next: JsonMap,
    layout: Layout,
  ): boolean {
    const rank = (key: string): number => {
      const found = layout.order.indexOf(key);
      return found < 0 ? layout.order.length : found;
    };
    for (const key of [...added].sort((left, right) => rank(left) - rank(right))) {
      const staying = node.items.filter((pair) => !removed.includes(keyOf(pair)));
      // A key without a place of its own goes to the end.
      const before = staying.filter((pair) => !layout.order.includes(key) || rank(keyOf(pair)) < rank(key));
      const anchor = before.reduce<YamlPair | null>(
        (best, pair) => (best === null || rank(keyOf(pair)) >= rank(keyOf(best)) ? pair : best),
        null,
      );
      const value = next[key] ?? null;
      if (node.flow === true) {
        const last = staying.at(-1);
        const end = last === undefined ? null : contentEnd(last.value ?? last.key);
        if (end === null || removed.length > 0) return false;
        this.replace(end, end, `, ${emitFlow({ [key]: value }).slice(2, -2)}`);
        continue;
      }
      const first = staying[0];
      const firstStart = first === undefined ? null : startOf(first);
      if (firstStart === null) return false;
      const indent = this.column(firstStart);
      const lines = emitPair(key, value, indent);
      if (anchor === null) {
        if (first !== node.items[0]) return false;
        this.replace(firstStart, firstStart, `${lines}\n${' '.repeat(indent)}`);
        continue;
      }
      const anchorStart = startOf(anchor);
      const anchorEnd = contentEnd(anchor.value ?? anchor.key);
      if (anchorStart === null || anchorEnd === null) return false;
      const at = this.endOfLine(this.trimmed(anchorStart, anchorEnd));
      this.replace(at, at, `\n${' '.repeat(indent)}${lines}`);
    }
    return true;
  }

  /** Items are told apart by identity; they keep their order (the caller has put them in order before). */
  private list(node: YamlSequence, current: readonly Json[], next: readonly Json[], layout: ListLayout): boolean {
    const places = this.places(node);
    if (places === null || places.length !== current.length) return false;
    const identities = current.map(layout.identity);
    const wanted = next.map(layout.identity);
    if (new Set(identities).size !== identities.length || new Set(wanted).size !== wanted.length) return false;
    const kept = identities.filter((identity) => wanted.includes(identity));
    if (
      kept.length === 0 ||
      canonicalJson(kept) !== canonicalJson(wanted.filter((identity) => identities.includes(identity)))
    )
      return false;
    for (const [index, place] of places.entries()) {
      if (!wanted.includes(identities[index] ?? '')) this.removeLines(this.lineStart(place.dash), place.end);
    }
    let anchor: { readonly dash: number; readonly end: number } | null = null;
    for (const [index, item] of next.entries()) {
      const old = identities.indexOf(wanted[index] ?? '');
      const place = places[old];
      if (place === undefined) {
        const target: { readonly dash: number; readonly end: number } | undefined =
          anchor ?? places[identities.indexOf(kept[0] ?? '')];
        if (target === undefined) return false;
        const indent = this.column(target.dash);
        const at = anchor === null ? target.dash : this.endOfLine(target.end);
        this.replace(
          at,
          at,
          anchor === null
            ? `${emitItem(item, indent)}\n${' '.repeat(indent)}`
            : `\n${' '.repeat(indent)}${emitItem(item, indent)}`,
        );
        continue;
      }
      anchor = place;
      if (same(current[old], item)) continue;
      const before = current[old];
      if (isMapNode(place.node) && isJsonMap(before) && isJsonMap(item)) {
        if (!this.map(place.node, before, item, layout.item)) return false;
      } else {
        const start = place.node.range?.[0];
        if (start === undefined) return false;
        this.replace(place.dash, place.end, emitItem(item, this.column(place.dash)));
      }
    }
    return true;
  }

  /** For each item of a block list: its node, its dash and the end of its content. Null when one cannot be placed. */
  places(node: YamlSequence): { readonly node: YamlNode; readonly dash: number; readonly end: number }[] | null {
    const result: { readonly node: YamlNode; readonly dash: number; readonly end: number }[] = [];
    for (const item of node.items) {
      const start = item.range?.[0];
      const end = contentEnd(item);
      if (start === undefined || end === null || yaml.isAlias(item)) return null;
      const dash = /-[ \t]*(?:#[^\n]*)?(?:\r?\n[ \t]*(?:#[^\n]*)?)*$/.exec(
        this.text.slice(Math.max(0, start - 400), start),
      );
      if (dash === null) return null;
      const at = Math.max(0, start - 400) + dash.index;
      if (!/^[ \t]*$/.test(this.text.slice(this.lineStart(at), at))) return null;
      result.push({ node: item, dash: at, end: this.trimmed(start, end) });
    }
    return result;
  }

  private lineStart(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1;
  }

  private endOfLine(offset: number): number {
    const found = this.text.indexOf('\n', offset);
    if (found < 0) return this.text.length;
    return this.text[found - 1] === '\r' && found - 1 >= offset ? found - 1 : found;
  }

  private column(offset: number): number {
    const start = this.lineStart(offset);
    return offset - start - (start === 0 && this.text.startsWith('\ufeff') ? 1 : 0);
  }

  /** The end of content without the line ends that block texts include. */
  private trimmed(start: number, end: number): number {
    let at = end;
    while (at > start && (this.text[at - 1] === '\n' || this.text[at - 1] === '\r')) at -= 1;
    return at;
  }
}

/** Puts the items of the block list at `node` into the order of `wanted` (identities), moving whole lines with the comments above them. */
export function reorderList(
  text: string,
  node: YamlSequence,
  identities: readonly string[],
  wanted: readonly string[],
): string | null {
  const places = new Editor(text).places(node);
  if (places === null || places.length !== identities.length || new Set(identities).size !== identities.length)
    return null;
  const first = places[0];
  if (first === undefined) return text;
  const lineFeedAfter = (offset: number): number =>
    text.indexOf('\n', offset) < 0 ? -1 : text.indexOf('\n', offset) + 1;
  const starts = [text.lastIndexOf('\n', first.dash - 1) + 1];
  for (const place of places) starts.push(lineFeedAfter(place.end));
  if (starts.includes(-1)) return null;
  const chunks = places.map((_, index) => text.slice(starts[index], starts[index + 1]));
  const order = [
    ...wanted.filter((identity) => identities.includes(identity)),
    ...identities.filter((identity) => !wanted.includes(identity)),
  ];
  const moved = order.map((identity) => chunks[identities.indexOf(identity)] ?? '');
  return text.slice(0, starts[0]) + moved.join('') + text.slice(starts.at(-1));
}

const keyOf = (pair: YamlPair): string => {
  // A key is a scalar whose value is a text here: the reader refused all others.
  const key = pair.key;
  return yaml.isScalar(key) ? String(key.value) : '';
};
export const pairOf = (node: YamlMap, key: string): YamlPair | null =>
  node.items.find((pair) => keyOf(pair) === key) ?? null;
const startOf = (pair: YamlPair): number | null => pair.key?.range?.[0] ?? null;

/** Where the text of a node ends, without the comments and blank lines behind it. */
function contentEnd(node: YamlNode | null): number | null {
  if (node === null) return null;
  if (isMapNode(node) && node.flow !== true) {
    const last = node.items.at(-1);
    return last === undefined
      ? (node.range?.[1] ?? null)
      : Math.max(contentEnd(last.key) ?? 0, contentEnd(last.value) ?? 0);
  }
  if (isSequenceNode(node) && node.flow !== true) {
    const last = node.items.at(-1);
    return last === undefined ? (node.range?.[1] ?? null) : contentEnd(last);
  }
  return node.range?.[1] ?? null;
}

import { failure, success, type Json, type Result, type Spec } from '../model/index.js';
import { canonicalJson } from '../util/hash.js';
import { formatSpec } from './format.js';
import { parseSpecSource, parseSpecText } from './parse.js';
import { specRecord } from './record.js';
import { CRITERION_KEYS, LINK_KEYS, SPEC_KEYS } from './spec-shape.js';
import {
  editMapping,
  isMapNode,
  isSequenceNode,
  pairOf,
  reorderList,
  type JsonMap,
  type Layout,
  type ListLayout,
  type YamlNode,
} from '../yaml/index.js';

const isMap = (value: Json | undefined): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

const LINK: Layout = { order: LINK_KEYS, lists: {} };
/** Links are the same when they have the same id, or point to the same thing. */
const linkIdentity = (value: Json): string =>
  isMap(value)
    ? canonicalJson(value['id'] ?? [value['test'] ?? null, value['run'] ?? null, value['manual'] ?? null])
    : canonicalJson(value);
const codeIdentity = (value: Json): string => canonicalJson(isMap(value) ? (value['code'] ?? null) : value);
const idIdentity = (value: Json): string => canonicalJson(isMap(value) ? (value['id'] ?? null) : value);
const CRITERION: Layout = {
  order: CRITERION_KEYS,
  lists: {
    verified_by: { item: LINK, identity: linkIdentity },
    implemented_by: { item: { order: ['code', 'note'], lists: {} }, identity: codeIdentity },
  },
};
const CRITERIA: ListLayout = { item: CRITERION, identity: idIdentity };
const SPEC: Layout = { order: SPEC_KEYS, lists: { criteria: CRITERIA } };
/** Writes criteria that changed anew, one by one, where their fields could not be edited in place. */
const COARSE: Layout = { order: SPEC_KEYS, lists: {} };

/**
 * The text of a spec file changed so that it reads as `next`. Only what differs is touched: comments, key order, line
 * ends and all other bytes stay. Where a change cannot be placed that finely (anchors, unusual styles) the list or,
 * at last, the file is written anew. Failures: those of reading `text`, or of `next` itself when it is not valid.
 */
export function editSpecText(text: string, file: string, next: Spec): Result<string> {
  const goal = specRecord(next);
  const reordered = inOrder(text, file, goal);
  if (!reordered.ok) return reordered;
  for (const layout of [SPEC, COARSE]) {
    const now = parseSpecSource(reordered.value, file);
    if (!now.ok) break;
    const current = specRecord(now.value.spec);
    const edited = editMapping(reordered.value, now.value.source.root, current, goal, layout);
    if (edited !== null && reads(edited, file, goal)) return success(edited);
  }
  const written =
    (text.startsWith('\ufeff') ? '\ufeff' : '') +
    (text.includes('\r\n') ? formatSpec(next).replaceAll('\n', '\r\n') : formatSpec(next));
  const check = parseSpecText(written, file);
  if (!check.ok) return check;
  if (canonicalJson(specRecord(check.value)) === canonicalJson(goal)) return success(written);
  return failure({
    kind: 'invalid-spec',
    message: `${next.id} holds something that a spec file cannot say.`,
    hint: 'Remove line ends and control characters from its fields.',
    file,
  });
}

function reads(text: string, file: string, goal: JsonMap): boolean {
  const parsed = parseSpecText(text, file);
  return parsed.ok && canonicalJson(specRecord(parsed.value)) === canonicalJson(goal);
}

/** The text with criteria and links moved into the goal's order; unchanged where they are in order or cannot be moved. */
function inOrder(text: string, file: string, goal: JsonMap): Result<string> {
  let result = text;
  // Each move changes offsets, so the text is read again after each; a catalog rarely has more than one.
  for (let moves = 0; moves < 50; moves += 1) {
    const parsed = parseSpecSource(result, file);
    if (!parsed.ok) return parsed;
    const moved = moveOne(result, parsed.value.source.root, specRecord(parsed.value.spec), goal, {
      criteria: CRITERIA,
    });
    if (moved === null || !reads(moved, file, permuted(specRecord(parsed.value.spec), goal))) break;
    result = moved;
  }
  return success(result);
}

/** Does the first move that is needed in the lists of this mapping or of the items below it. */
function moveOne(
  text: string,
  node: YamlNode | null,
  current: JsonMap,
  goal: JsonMap,
  lists: Readonly<Record<string, ListLayout>>,
): string | null {
  if (!isMapNode(node)) return null;
  for (const [key, layout] of Object.entries(lists)) {
    const [now, wanted] = [current[key], goal[key]];
    const sequence = pairOf(node, key)?.value ?? null;
    if (!isList(now) || !isList(wanted) || !isSequenceNode(sequence) || sequence.flow === true) continue;
    const identities = now.map(layout.identity);
    const order = wanted.map(layout.identity);
    if (!sameOrder(identities, order)) return reorderList(text, sequence, identities, order);
    for (const [index, item] of sequence.items.entries()) {
      const [before, after] = [now[index], wanted[order.indexOf(identities[index] ?? '')]];
      const moved = isMap(before) && isMap(after) ? moveOne(text, item, before, after, layout.item.lists) : null;
      if (moved !== null) return moved;
    }
  }
  return null;
}

/** True when what both lists have stands in the same order (and what goes away stands last or between). */
function sameOrder(identities: readonly string[], order: readonly string[]): boolean {
  const wanted = new Set(order);
  const there = new Set(identities);
  return (
    canonicalJson(identities.filter((identity) => wanted.has(identity))) ===
    canonicalJson(order.filter((identity) => there.has(identity)))
  );
}

/** What a text must read as after its first move: the same content in the order that `moveOne` gave it. */
function permuted(current: JsonMap, goal: JsonMap): JsonMap {
  const permute = (
    now: Json | undefined,
    wanted: Json | undefined,
    layout: ListLayout,
  ): { readonly value: Json; readonly moved: boolean } => {
    if (!isList(now) || !isList(wanted)) return { value: now ?? null, moved: false };
    const identities = now.map(layout.identity);
    const order = wanted.map(layout.identity);
    if (!sameOrder(identities, order)) {
      const names = [
        ...order.filter((name) => identities.includes(name)),
        ...identities.filter((name) => !order.includes(name)),
      ];
      return { value: names.map((name) => now[identities.indexOf(name)] ?? null), moved: true };
    }
    let moved = false;
    const value = now.map((item, index): Json => {
      const after = wanted[order.indexOf(identities[index] ?? '')];
      if (moved || !isMap(item) || !isMap(after)) return item;
      const entries = Object.entries(item).map(([key, inner]): [string, Json] => {
        const nested = layout.item.lists[key];
        if (nested === undefined || moved) return [key, inner];
        const done = permute(inner, after[key], nested);
        moved = done.moved;
        return [key, done.value];
      });
      return Object.fromEntries(entries);
    });
    return { value, moved };
  };
  const criteria = permute(current['criteria'], goal['criteria'], CRITERIA);
  return { ...current, ...(current['criteria'] === undefined ? {} : { criteria: criteria.value }) };
}

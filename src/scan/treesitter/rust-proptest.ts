/**
 * The functions in a `proptest! { … }`: macro arguments are no items for the grammar, only tokens.
 */
import { attributeOfTokens, type Attribute } from './rust-attributes.js';
import { TOKENS } from './rust-rules.js';
import type { Syntax } from './syntax.js';

/** `#[test] fn name(x in 0..9) { … }`. */
export interface Property {
  readonly name: Syntax;
  readonly body: Syntax;
  readonly attributes: readonly Attribute[];
  /** Offset of its first attribute. */
  readonly start: number;
}

/** The functions, and the ranges of `#![proptest_config(…)]`. */
export function propertiesIn(tree: Syntax): {
  readonly properties: readonly Property[];
  readonly settings: readonly { readonly start: number; readonly end: number }[];
} {
  const properties: Property[] = [];
  const settings: { start: number; end: number }[] = [];
  let attributes: Attribute[] = [];
  let start: number | null = null;
  const children = tree.children.filter((child) => !TOKENS.comments.has(child.type));
  for (let i = 0; i < children.length; i += 1) {
    const child = children[i];
    const next = children[i + 1];
    if (child === undefined || next === undefined) break;
    if (child.type === '#' && next.type === 'token_tree') {
      attributes.push(attributeOfTokens(next));
      start ??= child.start;
      i += 1;
    } else if (child.type === '#' && next.type === '!') {
      settings.push({ start: child.start, end: children[i + 2]?.end ?? next.end });
      i += 2;
    } else if (child.type === 'fn') {
      const end = children.findIndex(
        (candidate, at) => at > i && candidate.type === 'token_tree' && candidate.text.startsWith('{'),
      );
      const body = children[end];
      if (body === undefined) break;
      properties.push({ name: next, body, attributes, start: start ?? child.start });
      attributes = [];
      start = null;
      i = end;
    }
  }
  return { properties, settings };
}

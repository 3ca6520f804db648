/**
 * Attributes of a Rust item, as far as tests depend on them.
 */
import type { Condition, SkipMark } from '../../model/index.js';
import { under } from '../conditions.js';
import { strongest } from './skip.js';
import type { Syntax } from './syntax.js';

export interface Attribute {
  readonly node: Syntax;
  /** `tokio::test`, without white space. */
  readonly path: string;
  /** Source of the arguments without white space: `(feature="x")`; empty when there are none. */
  readonly args: string;
}

const withoutSpace = (text: string): string => text.replace(/\s+/gu, '');

/** Reads an `attribute_item` or `inner_attribute_item`. */
export function attributeOf(node: Syntax): Attribute | null {
  const attribute = node.child('attribute');
  const path = attribute?.named[0];
  if (attribute === null || path === undefined) return null;
  return { node, path: withoutSpace(path.text), args: withoutSpace(attribute.field('arguments')?.text ?? '') };
}

/** An attribute inside a macro's tokens (`proptest!`): the `[…]` after a `#`. */
export function attributeOfTokens(tree: Syntax): Attribute {
  const parts = /^\[([^([=]*)(.*)\]$/su.exec(withoutSpace(tree.text));
  return { node: tree, path: parts?.[1] ?? '', args: parts?.[2] ?? '' };
}

const lastSegment = (path: string): string => path.slice(path.lastIndexOf(':') + 1);

/** Attributes that make a function a test of libtest under its own name; the last segment of their path. */
const TEST_ATTRIBUTES = new Set([
  'test',
  'rstest',
  'quickcheck',
  'test_case',
  'test_matrix',
  'case_matrix',
  'proptest',
  'property_test',
  'gtest',
]);

/** How an item's attributes make it a test. */
export interface TestMarks {
  readonly isTest: boolean;
  /** One function gives several reported tests, named `function::case_…`. */
  readonly parametrised: boolean;
  readonly shouldPanic: boolean;
  readonly skip: SkipMark | null;
}

export function testMarks(attributes: readonly Attribute[]): TestMarks {
  const names = attributes.map((attribute) => lastSegment(attribute.path));
  const conditional = attributes.some(
    (attribute) => attribute.path === 'cfg_attr' && cfgAttrAdds(attribute.args, isTestName),
  );
  const isTemplate = names.includes('template');
  return {
    isTest: !isTemplate && (conditional || names.some((name) => TEST_ATTRIBUTES.has(name))),
    parametrised: attributes.some(
      (attribute) =>
        /^(?:test_case|test_matrix|case_matrix|case|apply)$/u.test(lastSegment(attribute.path)) ||
        /^(?:test_case::)?case(?:::\w+)?$/u.test(attribute.path),
    ),
    shouldPanic: names.includes('should_panic'),
    skip: strongest(
      names.includes('ignore') ? 'ignore' : null,
      conditional || isConditional(attributes) ? 'conditional' : null,
    ),
  };
}

const isTestName = (path: string): boolean => TEST_ATTRIBUTES.has(lastSegment(path));

/** True when `#[cfg_attr(condition, a, b)]` adds an attribute of that name. */
function cfgAttrAdds(args: string, named: (path: string) => boolean): boolean {
  let depth = 0;
  const parts: string[] = [''];
  for (const character of args.slice(1, -1)) {
    if (character === '(' || character === '[') depth += 1;
    else if (character === ')' || character === ']') depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.slice(1).some((part) => named(/^[\w:]*/u.exec(part)?.[0] ?? ''));
}

/** Whether an item exists, or runs, only under some configuration. `#[cfg(test)]` holds in every test. */
export const isConditional = (attributes: readonly Attribute[]): boolean =>
  attributes.some(
    (attribute) =>
      (attribute.path === 'cfg' && attribute.args !== '(test)') ||
      (attribute.path === 'cfg_attr' && cfgAttrAdds(attribute.args, (path) => path === 'ignore')),
  );

/** Items below `#[cfg(test)]`: rustdoc is built without it. */
export const isOnlyInTests = (attributes: readonly Attribute[]): boolean =>
  attributes.some((attribute) => attribute.path === 'cfg' && /^\((?:all\()?test\b/u.test(attribute.args));

/** The attributes without which an item does not exist or is no test, inside those of what surrounds it. */
export const conditionOfItem = (outer: Condition | null, attributes: readonly Attribute[]): Condition | null =>
  attributes
    .filter(
      ({ path, args }) =>
        (path === 'cfg' && args !== '(test)') || (path === 'cfg_attr' && cfgAttrAdds(args, isTestName)),
    )
    .reduce<Condition | null>((all, { node }) => under(all, node.text, node.line), outer);

/** rstest's `#[values(…)]`, `#[files(…)]` or `#[case(…)]` at a parameter: one function gives several reported tests. */
export function spreadsParameters(node: Syntax): boolean {
  const attributes = node.field('parameters')?.childrenOf('attribute_item') ?? [];
  return attributes.some(
    ({ text }) => !/#\s*\[\s*case\s*\]/u.test(text) && /#\s*\[\s*(?:case|values|files)\b/u.test(text),
  );
}

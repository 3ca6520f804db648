/**
 * What of Rust's grammar the analysis goes by, and the rules of cargo and rustdoc that hang on names alone.
 */
import { namesAssertion, type AssertionRules } from './assertions.js';
import type { Syntax } from './syntax.js';
import type { TokenRules } from './tokens.js';

export const TOKENS: TokenRules = {
  comments: new Set(['line_comment', 'block_comment']),
  literals: new Set(['string_literal', 'raw_string_literal', 'char_literal']),
  blocks: new Set(),
  commaLists: new Set([
    'arguments',
    'parameters',
    'array_expression',
    'field_initializer_list',
    'use_list',
    'type_arguments',
    'token_tree',
  ]),
};

const FAILING_METHODS = new Set(['unwrap', 'expect', 'unwrap_err', 'expect_err', 'unwrap_none', 'expect_none']);
const FAILING_MACROS = new Set(['panic', 'unreachable', 'todo', 'unimplemented']);

export const ASSERTIONS: AssertionRules = {
  keywords: new Set(['?']),
  identifiers: new Set(['identifier', 'field_identifier', 'type_identifier']),
  declares: new Set(['fn']),
  lineEnds: false,
  fails: (name) => FAILING_METHODS.has(name) || FAILING_MACROS.has(name) || name === 'Err' || namesAssertion(name),
};

export const NAMED_ITEMS = new Set([
  'struct_item',
  'enum_item',
  'union_item',
  'type_item',
  'const_item',
  'static_item',
  'macro_definition',
  'function_signature_item',
  'associated_type',
  'enum_variant',
  'field_declaration',
]);
export const TRANSPARENT = new Set(['use_declaration', 'extern_crate_declaration', 'inner_attribute_item', 'shebang']);
export const CONTAINERS: Readonly<Record<string, string>> = {
  struct_item: 'field_declaration_list',
  union_item: 'field_declaration_list',
  enum_item: 'enum_variant_list',
  enum_variant: 'field_declaration_list',
};

/** Items that hold declarations of their own. */
export const HOLDERS = new Set(['mod_item', 'impl_item', 'trait_item', ...Object.keys(CONTAINERS)]);

export const withoutSpace = (text: string): string => text.replace(/\s+/gu, '');
/** `Stack<T>::push` is written `Stack::push` in `implemented_by`. */
export const symbolOf = (items: readonly string[]): string =>
  items.map((item) => item.replace(/<.*>$/u, '')).join('::');
export const selectorOf = (file: string, path: readonly string[]): string => [file, ...path].join('::');

/**
 * Whether rustdoc runs the doc tests of a file: those of library targets only, not of integration tests, benches, examples,
 * binaries and build scripts. Without a `lib.rs` beside `main.rs` a package has no library.
 */
export function isLibraryFile(file: string, exists: (path: string) => boolean): boolean {
  const source = /^(.*\/)?src\//u.exec(file)?.[0];
  if (source === undefined)
    return !/(?:^|\/)(?:tests|benches|examples)\//u.test(file) && !/(?:^|\/)build\.rs$/u.test(file);
  if (/^(?:main\.rs$|bin\/)/u.test(file.slice(source.length))) return false;
  return exists(`${source}lib.rs`) || !exists(`${source}main.rs`);
}

/** A test that returns something other than `()` fails by what it returns, unless that is a plain `Ok(…)`. */
export function returnsFailure(node: Syntax, body: Syntax): boolean {
  const type = node.field('return_type');
  if (type === null || type.text === '()') return false;
  const early = body.named
    .find((child) => child.type === 'expression_statement' && child.child('return_expression') !== null)
    ?.child('return_expression');
  const last =
    early === undefined || early === null
      ? body.named.findLast((child) => !TOKENS.comments.has(child.type))
      : early.named[0];
  return (
    last !== undefined &&
    !['expression_statement', 'let_declaration', 'macro_invocation'].includes(last.type) &&
    !/^(?:\w+::)*(?:Ok\b|ExitCode::SUCCESS\b)/u.test(last.text)
  );
}

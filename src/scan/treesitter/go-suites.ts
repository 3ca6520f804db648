/**
 * Suites of testify: `suite.Run(t, new(FooSuite))` runs each method of the suite whose name begins with `Test` as a subtest of
 * that name, in the order of the names. Only a type that the call itself shows is followed; anything else stays unknown.
 */
import type { Condition } from '../../model/index.js';
import { callsIn } from './go-source.js';
import type { Syntax } from './syntax.js';

const PACKAGE = 'github.com/stretchr/testify/suite';

/** One `suite.Run(t, …)`. */
export interface SuiteRun {
  readonly call: Syntax;
  /** The suite's type; null when only a run knows it. */
  readonly type: string | null;
  /** In a loop or a closure: it may run several times. */
  readonly repeated: boolean;
  readonly condition: Condition | null;
}

/** The name that a file has for testify's suite package; null when it does not import it. */
export function suitePackage(root: Syntax): string | null {
  for (const declaration of root.childrenOf('import_declaration')) {
    for (const spec of declaration.descendants('import_spec'))
      if (spec.field('path')?.text.slice(1, -1) === PACKAGE) return spec.field('name')?.text ?? 'suite';
  }
  return null;
}

/** The suites that a body runs itself with its `parameter`, not those of its subtests. `alias`: see suitePackage. */
export function suiteRunsIn(body: Syntax, parameter: string | null, alias: string | null): readonly SuiteRun[] {
  if (parameter === null || alias === null) return [];
  return callsIn(body, parameter, (call) => {
    const called = call.field('function');
    if (
      called?.type !== 'selector_expression' ||
      called.field('operand')?.text !== alias ||
      called.field('field')?.text !== 'Run'
    )
      return null;
    const [given, suite] = (call.field('arguments')?.named ?? []).filter((argument) => argument.type !== 'comment');
    return given?.text === parameter && suite !== undefined ? { call, type: suiteType(suite, body) } : null;
  });
}

/** A named type, with or without type arguments. */
function typeName(node: Syntax | null | undefined, body: Syntax): string | null {
  const name = node?.type === 'generic_type' ? node.field('type') : (node ?? null);
  if (name === null || (name.type !== 'type_identifier' && name.type !== 'identifier')) return null;
  // A type of the function's own hides the one whose methods the file has.
  const isHidden = body
    .descendants('type_spec', 'type_alias')
    .some((declared) => declared.field('name')?.text === name.text);
  return isHidden ? null : name.text;
}

/** `new(T)`, `&T{…}`, or a variable that is declared as one of these and never given another value. */
function suiteType(node: Syntax, body: Syntax): string | null {
  if (node.type === 'call_expression' && node.field('function')?.text === 'new')
    return typeName(node.field('arguments')?.named[0], body);
  if (node.type === 'unary_expression' && node.child('&') !== null) {
    const operand = node.field('operand');
    if (operand?.type === 'composite_literal') return typeName(operand.field('type'), body);
    return operand?.type === 'identifier' ? variableType(operand.text, body, 'value') : null;
  }
  return node.type === 'identifier' ? variableType(node.text, body, 'pointer') : null;
}

function variableType(name: string, body: Syntax, wanted: 'value' | 'pointer'): string | null {
  const names = (node: Syntax | null): readonly string[] =>
    (node?.type === 'expression_list' ? node.named : node === null ? [] : [node]).map((one) => one.text);
  const written = body
    .descendants('short_var_declaration', 'assignment_statement', 'range_clause')
    .filter((node) => names(node.field('left')).includes(name));
  const declared = body
    .descendants('var_spec', 'parameter_declaration')
    .filter((node) => node.children.some((child) => child.type === 'identifier' && child.text === name));
  const [only, ...others] = [...written, ...declared];
  if (only === undefined || others.length > 0) return null;
  if (only.type === 'var_spec' && only.field('value') === null)
    return wanted === 'value' ? typeName(only.field('type'), body) : null;
  const values = only.field(only.type === 'var_spec' ? 'value' : 'right');
  const value = values?.type === 'expression_list' ? values.named : values === null ? [] : [values];
  if (
    (only.type !== 'short_var_declaration' && only.type !== 'var_spec') ||
    value.length !== 1 ||
    value[0] === undefined
  )
    return null;
  if (wanted === 'value') return value[0].type === 'composite_literal' ? typeName(value[0].field('type'), body) : null;
  return value[0].type === 'identifier' ? null : suiteType(value[0], body);
}

/** The type that a method belongs to. */
export const receiverType = (method: Syntax): string =>
  method.field('receiver')?.descendants('type_identifier')[0]?.text ?? '';

/** The name that a method has for its own suite; null for one that does not name it. */
export const receiverName = (method: Syntax): string | null =>
  method.field('receiver')?.childrenOf('parameter_declaration')[0]?.field('name')?.text ?? null;

/** The methods of a type that testify takes for tests, in the order in which it runs them. */
export const suiteTests = (root: Syntax, type: string): readonly Syntax[] =>
  root
    .childrenOf('method_declaration')
    .filter((method) => receiverType(method) === type && method.field('name')?.text.startsWith('Test') === true)
    .toSorted((left, right) => ((left.field('name')?.text ?? '') < (right.field('name')?.text ?? '') ? -1 : 1));

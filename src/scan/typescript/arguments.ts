/**
 * The arguments of a declaring call: title, options, body, in any of the orders that frameworks take.
 */
import type { ts } from 'ts-morph';
import type { Framework, SkipMark } from '../../model/index.js';
import { bare, compiler, isFunctionNode } from './compiler.js';
import type { Closure, Evaluator } from './evaluate.js';
import { memberOf } from './resolve.js';
import type { Scope } from './scope.js';

export interface Given {
  readonly title: ts.Expression | null;
  readonly options: ts.ObjectLiteralExpression | null;
  /** Scope of the options' names. */
  readonly optionsScope: Scope;
  readonly body: Closure | null;
  /** True when there is certainly no body. */
  readonly noBody: boolean;
}

/** Reads the arguments, or null when they are not those of a declaration (`test.skip(condition, why)`, `regexp.test(text)`). */
export function readArguments(
  call: ts.CallExpression,
  scope: Scope,
  evaluator: Evaluator,
  certain: boolean,
  framework: Framework | null,
): Given | null {
  const ts = compiler();
  const [first, ...others] = call.arguments;
  if (first === undefined || call.arguments.some((argument) => ts.isSpreadElement(argument))) return null;
  const head = bare(first);
  // node:test takes the function's own name.
  const titleless = framework === 'node-test' && (isFunctionNode(head) || ts.isObjectLiteralExpression(head));
  const rest = titleless ? [first, ...others] : others;
  let options: ts.ObjectLiteralExpression | null = null;
  let optionsScope = scope;
  let body: Closure | null = null;
  let opaque = false;
  for (const argument of rest) {
    const node = bare(argument);
    if (isFunctionNode(node)) {
      body ??= { node, scope };
      continue;
    }
    if (ts.isNumericLiteral(node) || ts.isStringLiteralLike(node)) continue;
    const target = evaluator.follow({ expression: node, scope });
    if (target !== null && 'expression' in target) {
      if (isFunctionNode(target.expression)) body ??= { node: target.expression, scope: target.scope };
      else if (ts.isObjectLiteralExpression(target.expression)) {
        options ??= target.expression;
        optionsScope = target.scope;
      } else if (!ts.isNumericLiteral(target.expression)) opaque = true;
    } else if (target !== null && target.kind === 'declared' && target.binding.kind === 'function')
      body ??= { node: target.binding.node, scope: target.scope };
    else opaque = true;
  }
  const known = { options, optionsScope, body, noBody: body === null && !opaque };
  if (titleless) return body === null ? null : { title: null, ...known };
  if (isFunctionNode(head) && !ts.isFunctionExpression(head)) return null;
  // A global or a package's own `test` counts when it is called like one.
  if (!certain && body === null && !looksLikeTitle(head, scope, evaluator)) return null;
  // `test.skip(condition)` and `test.fail(true, 'why')` of Playwright are annotations of what surrounds them.
  if (head.kind === ts.SyntaxKind.TrueKeyword || head.kind === ts.SyntaxKind.FalseKeyword) return null;
  if (framework === 'playwright' && body === null && !looksLikeTitle(head, scope, evaluator)) return null;
  return { title: first, ...known };
}

function looksLikeTitle(node: ts.Expression, scope: Scope, evaluator: Evaluator): boolean {
  const ts = compiler();
  if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) return true;
  if (ts.isBinaryExpression(node)) return node.operatorToken.kind === ts.SyntaxKind.PlusToken;
  if (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node))
    return evaluator.constant(node, scope) !== null || evaluator.declaredName(node, scope) !== null;
  return false;
}

/** The value of an option as a truth: true, false, or null where only a run can tell. */
function truth(expression: ts.Expression, scope: Scope, evaluator: Evaluator): boolean | null {
  const ts = compiler();
  const node = bare(expression);
  if (node.kind === ts.SyntaxKind.FalseKeyword || node.kind === ts.SyntaxKind.NullKeyword) return false;
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (ts.isIdentifier(node) && node.text === 'undefined') return false;
  const text = evaluator.constant(node, scope);
  if (text === null) return null;
  return ts.isStringLiteralLike(node)
    ? text !== ''
    : text !== 'false' && text !== '0' && text !== '' && text !== 'null';
}

export interface Marks {
  readonly skip?: SkipMark;
  readonly focused?: boolean;
}

/** `{ skip: true }`, `{ todo: 'why' }`, `{ only: true }`. */
export function optionMarks(given: Pick<Given, 'options' | 'optionsScope'>, evaluator: Evaluator): Marks {
  const { options, optionsScope } = given;
  if (options === null) return {};
  const valueOf = (name: string): boolean | null => {
    const value = memberOf(options, name);
    return value === null ? false : truth(value, optionsScope, evaluator);
  };
  const skip = valueOf('skip');
  const todo = valueOf('todo');
  const focused = valueOf('only') === true;
  const mark: SkipMark | undefined =
    skip === true ? 'skip' : todo === true ? 'todo' : skip === null || todo === null ? 'conditional' : undefined;
  return { ...(mark === undefined ? {} : { skip: mark }), ...(focused ? { focused } : {}) };
}

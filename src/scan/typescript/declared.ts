import type { ts } from 'ts-morph';
import type { FoundTest, Framework, SkipMark, TestKind } from '../../model/index.js';
import { compiler, isTransformed, placeIn, sourceText, type Place } from './compiler.js';
import type { Closure, Evaluator } from './evaluate.js';
import type { Scope } from './scope.js';

/** A test or suite as the walk over a file finds it, before links and hollowness are looked at. */
export interface Declared {
  readonly kind: Exclude<TestKind, 'file'>;
  /** Null: a global whose framework the file's surroundings decide. */
  readonly framework: Framework | null;
  readonly path: readonly string[];
  readonly dynamic: boolean;
  readonly parametrised: boolean;
  readonly skip?: SkipMark;
  readonly focused?: boolean;
  /** Where it stands in the analysed file: its own call, or the call of the wrapper that declares it. */
  readonly site: ts.CallExpression;
  /** Start of the statement around the site: what a comment above it is followed by. */
  readonly statementStart: number;
  /** Where the runner's report says it stands when that is another place. */
  readonly reportedAt?: NonNullable<FoundTest['reportedAt']>;
  readonly condition?: NonNullable<FoundTest['condition']>;
  readonly call: ts.CallExpression;
  readonly scope: Scope;
  readonly title: ts.Expression | null;
  readonly options: ts.ObjectLiteralExpression | null;
  readonly optionsScope: Scope;
  /** Null where the body is not known; see `noBody`. */
  readonly body: Closure | null;
  /** True when it is certain that no body was given. */
  readonly noBody: boolean;
}

/**
 * Where runners say that a call stands: at the member's name for `it.skip(…)`, at the start for `it(…)`, and for
 * `it.each([…])(…)` at the parenthesis, or at the end of what is called where the runner prints the file anew first.
 * Measured with vitest 4.1 and node:test; test/scan/agreement.real.test.ts holds it.
 */
export function callPlace(call: ts.CallExpression, source: ts.SourceFile, path: string): Place {
  const ts = compiler();
  const callee = call.expression;
  if (ts.isPropertyAccessExpression(callee)) return placeIn(source, callee.name.getStart(source));
  if (ts.isIdentifier(callee)) return placeIn(source, callee.getStart(source));
  return placeIn(source, isTransformed(path) ? callee.end : openParenthesis(call, source));
}

function openParenthesis(call: ts.CallExpression, source: ts.SourceFile): number {
  const last = call.typeArguments?.end ?? call.expression.end;
  const at = source.text.indexOf('(', last);
  return at === -1 || at > call.end ? call.expression.end : at;
}

/** A title as text; `constant` is false where it is only known when the tests run, and the text is then its source. */
export function titleOf(
  expression: ts.Expression,
  scope: Scope,
  evaluator: Evaluator,
): { readonly text: string; readonly constant: boolean } {
  const ts = compiler();
  const text = evaluator.constant(expression, scope) ?? evaluator.declaredName(expression, scope);
  if (text !== null) return { text, constant: true };
  const source = scope.module.source;
  const raw = sourceText(expression, source);
  const shown = ts.isTemplateExpression(expression) ? raw.slice(1, -1) : raw;
  return { text: shown.replace(/\s+/gu, ' ').trim().slice(0, 500), constant: false };
}

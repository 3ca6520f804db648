/**
 * Calls that may declare a test in a way that no analysis understands: `prop('adds', () => …)` of a package. Only a tag directly
 * above makes one a possible test, and only a runner's report makes it a test.
 */
import type { ts } from 'ts-morph';
import { bare, compiler, isFunctionNode } from './compiler.js';

/** The innermost statement that begins at an offset; null where none does. */
export function statementAt(source: ts.SourceFile, offset: number): ts.Statement | null {
  const ts = compiler();
  let found: ts.Statement | null = null;
  const visit = (node: ts.Node): undefined => {
    if (node.end <= offset || node.pos > offset) return undefined;
    if (ts.isStatement(node) && node.getStart(source) === offset) found ??= node;
    return found === null ? ts.forEachChild(node, visit) : undefined;
  };
  ts.forEachChild(source, visit);
  return found;
}

/** Objects whose calls replace modules; above them a tag at the top of a file means the file. */
const MOCKERS: ReadonlySet<string> = new Set(['vi', 'vitest', 'jest']);

/** The call of a statement that has a title and a function; null for any other statement. */
export function possibleTest(statement: ts.Statement): ts.CallExpression | null {
  const ts = compiler();
  if (!ts.isExpressionStatement(statement)) return null;
  let call = bare(statement.expression);
  if (ts.isVoidExpression(call)) call = bare(call.expression);
  if (!ts.isCallExpression(call)) return null;
  const [first] = call.arguments;
  const callee = bare(call.expression);
  const of = ts.isPropertyAccessExpression(callee) ? bare(callee.expression) : null;
  if (first === undefined || (of !== null && ts.isIdentifier(of) && MOCKERS.has(of.text))) return null;
  const title = bare(first);
  const isTitle = ts.isStringLiteralLike(title) || ts.isTemplateExpression(title) || ts.isIdentifier(title);
  return isTitle && call.arguments.some((argument) => isFunctionNode(bare(argument))) ? call : null;
}

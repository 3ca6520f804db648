/** Whether the text of a comment is TypeScript: what only code looks like, by the parser's own tree. */
import type { ts } from 'ts-morph';
import { bare, compiler, isFunctionNode, parse } from './compiler.js';
import { isTestName } from './api.js';

interface Parsed extends ts.SourceFile {
  /** Internal to TypeScript, but kept by every version. */
  readonly parseDiagnostics?: readonly ts.DiagnosticWithLocation[];
}

/**
 * True for a declaration, a test-like call, a call that is handed a function, and a call or assignment that ends with its own `;`.
 * `see foo(bar)` is no statement, and a lone `foo(bar)` may be a word of a sentence, so neither counts.
 */
export function startsCode(text: string): boolean {
  const ts = compiler();
  const source = parse('comment.tsx', text) as Parsed;
  const [first] = source.statements;
  if (first === undefined || first.getStart(source) !== 0) return false;
  if (ts.isExpressionStatement(first)) return isCodeCall(first, source);
  // Words of a sentence can begin like these (`function of time`, `class of errors`); only whole ones count.
  const isWhole = !(source.parseDiagnostics ?? []).some(({ start }) => start <= first.end);
  if (ts.isFunctionDeclaration(first))
    return first.name !== undefined && first.body !== undefined && braced(first.body, source);
  if (ts.isClassDeclaration(first)) return first.name !== undefined && source.text.slice(first.name.end).includes('{');
  if (ts.isVariableStatement(first))
    return isWhole && first.declarationList.declarations.every(({ initializer }) => initializer !== undefined);
  return (
    isWhole &&
    (ts.isImportDeclaration(first) ||
      ts.isInterfaceDeclaration(first) ||
      (ts.isEnumDeclaration(first) && first.name.text !== '' && source.text.slice(0, first.end).includes('{')) ||
      ts.isTypeAliasDeclaration(first) ||
      ((ts.isIfStatement(first) || ts.isIterationStatement(first, false) || ts.isTryStatement(first)) &&
        source.text.slice(0, first.end).includes('{')))
  );
}

const braced = (body: ts.Block, source: ts.SourceFile): boolean => source.text.charAt(body.getStart(source)) === '{';

function isCodeCall(statement: ts.ExpressionStatement, source: Parsed): boolean {
  const ts = compiler();
  const node = bare(statement.expression);
  const isEnded = source.text.charAt(statement.end - 1) === ';' && endsLine(source.text, statement.end);
  const isSound = !(source.parseDiagnostics ?? []).some(({ start }) => start < statement.end);
  if (ts.isCallExpression(node)) {
    // One that breaks off (the rest was deleted) reaches to the end; a sentence goes on behind the call.
    const isWhole = endsLine(source.text, statement.end) || !isSound;
    if (isWhole && node.arguments.some((argument) => isFunctionNode(bare(argument)))) return true;
    const [title] = node.arguments;
    if (
      title !== undefined &&
      ts.isStringLiteralLike(bare(title)) &&
      isTestName(rootName(node)) &&
      endsLine(source.text, statement.end)
    )
      return true;
    return isEnded && isSound;
  }
  if (ts.isBinaryExpression(node)) return isEnded && isSound && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  return false;
}

/** Nothing but space, or a comment, between an offset and the end of its line. */
const endsLine = (text: string, offset: number): boolean => /^[ \t]*(?:\/\/.*)?(?:\r?\n|$)/u.test(text.slice(offset));

/** `it` of `it.each([…])('…')`. */
function rootName(call: ts.CallExpression): string {
  const ts = compiler();
  let node: ts.Expression = call;
  for (;;) {
    node = bare(node);
    if (ts.isCallExpression(node) || ts.isPropertyAccessExpression(node)) node = node.expression;
    else if (ts.isTaggedTemplateExpression(node)) node = node.tag;
    else return ts.isIdentifier(node) ? node.text : '';
  }
}

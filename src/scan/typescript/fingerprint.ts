/**
 * A hash of what a test does: its body, options and tables, without formatting, comments, quotes' kind or trailing commas.
 * The title does not count, so a renamed test keeps its fingerprint.
 */
import type { ts } from 'ts-morph';
import { sha256 } from '../../util/hash.js';
import { compiler } from './compiler.js';
import type { Declared } from './declared.js';

/** Parts below this many nested levels are not told apart: no person writes them. */
const MAX_DEPTH = 1000;

function write(node: ts.Node, out: string[], depth: number): void {
  const ts = compiler();
  if (depth > MAX_DEPTH || ts.isEmptyStatement(node)) return;
  out.push(`(${node.kind}`);
  if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node) || ts.isStringLiteralLike(node) || ts.isNumericLiteral(node) || ts.isBigIntLiteral(node) || ts.isRegularExpressionLiteral(node)) out.push(JSON.stringify(node.text));
  else if (ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node)) out.push(JSON.stringify(node.text));
  else if (ts.isJsxText(node)) out.push(JSON.stringify(node.text.trim().replace(/\s+/gu, ' ')));
  else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) out.push(String(node.operator));
  else if (ts.isVariableDeclarationList(node)) out.push(String(node.flags & ts.NodeFlags.BlockScoped));
  else if (ts.isMetaProperty(node)) out.push(String(node.keywordToken));
  ts.forEachChild(node, (child) => write(child, out, depth + 1));
  out.push(')');
}

export function fingerprintOf(declared: Declared): string {
  const ts = compiler();
  const out: string[] = [];
  // Modifiers and tables: all that is called, but for the title.
  write(declared.call.expression, out, 0);
  for (const argument of declared.call.arguments) if (argument !== declared.title) write(argument, out, 0);
  const given = declared.body?.node;
  // A body given by name, or from behind a wrapper, is part of what the test does.
  if (given !== undefined && !declared.call.arguments.some((argument) => argument === given)) write(given, out, 0);
  if (declared.site !== declared.call)
    for (const argument of declared.site.arguments) if (!ts.isStringLiteralLike(argument)) write(argument, out, 0);
  return sha256(out.join(''));
}

/**
 * The TypeScript parser, the copy that ts-morph brings, loaded when the first file needs it.
 * Parsing alone is used in bulk, without a program or types: see docs/static-analysis.md for the figures behind that.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ts } from 'ts-morph';
import { loadCompiled } from '../../util/code-cache.js';

export type Compiler = typeof ts;

let loaded: Compiler | null = null;

/**
 * Loads the parser's own file, past the 3 MB of ts-morph around it, and with the code cache: a third of the time of
 * `require('ts-morph')` (docs/static-analysis.md).
 */
export function compiler(): Compiler {
  if (loaded !== null) return loaded;
  const own = createRequire(createRequire(import.meta.url).resolve('ts-morph')).resolve('@ts-morph/common');
  // `ts` of ts-morph is what this file exports.
  loaded = loadCompiled(join(dirname(own), 'typescript.js'), 'parse') as Compiler;
  return loaded;
}

const scriptKind = (ts: Compiler, path: string): ts.ScriptKind => {
  const name = path.toLowerCase();
  if (name.endsWith('.tsx')) return ts.ScriptKind.TSX;
  if (name.endsWith('.ts') || name.endsWith('.mts') || name.endsWith('.cts')) return ts.ScriptKind.TS;
  // Plain JavaScript may hold JSX too, and parses the same without.
  return ts.ScriptKind.JSX;
};

/** True for files that a test runner prints anew before it runs them (types removed), which moves positions. */
export const isTransformed = (path: string): boolean => !/\.[cm]?js$/iu.test(path);

/** Parses one file. Never throws: syntax errors give a tree with holes. JSDoc is left in the comments, where tags are read. */
export function parse(path: string, text: string): ts.SourceFile {
  const ts = compiler();
  return ts.createSourceFile(
    path,
    text,
    { languageVersion: ts.ScriptTarget.ESNext, jsDocParsingMode: ts.JSDocParsingMode.ParseNone },
    false,
    scriptKind(ts, path),
  );
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Line and column, both from 1. */
export function placeIn(source: ts.SourceFile, offset: number): Place {
  const { line, character } = source.getLineAndCharacterOfPosition(Math.min(offset, source.text.length));
  return { line: line + 1, column: character + 1 };
}

export const sourceText = (node: ts.Node, source: ts.SourceFile): string =>
  source.text.slice(node.getStart(source), node.end);

const kinds = (list: (ts: Compiler) => readonly ts.SyntaxKind[]): ReadonlySet<ts.SyntaxKind> =>
  new Set(list(compiler()));

let transparent: ReadonlySet<ts.SyntaxKind> | null = null;
let functions: ReadonlySet<ts.SyntaxKind> | null = null;

/** Strips what changes no value: parentheses, `as`, `satisfies`, `!`, type assertions, `await`. */
export function bare(expression: ts.Expression): ts.Expression {
  transparent ??= kinds(({ SyntaxKind }) => [
    SyntaxKind.ParenthesizedExpression,
    SyntaxKind.AsExpression,
    SyntaxKind.SatisfiesExpression,
    SyntaxKind.NonNullExpression,
    SyntaxKind.TypeAssertionExpression,
    SyntaxKind.AwaitExpression,
  ]);
  let node = expression;
  // All of these kinds have the expression as `expression`.
  while (transparent.has(node.kind)) node = (node as ts.ParenthesizedExpression).expression;
  return node;
}

export type FunctionNode = ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction | ts.MethodDeclaration;

export function isFunctionNode(node: ts.Node): node is FunctionNode {
  functions ??= kinds(({ SyntaxKind }) => [
    SyntaxKind.ArrowFunction,
    SyntaxKind.FunctionExpression,
    SyntaxKind.FunctionDeclaration,
    SyntaxKind.MethodDeclaration,
  ]);
  return functions.has(node.kind);
}

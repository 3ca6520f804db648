/** Named declarations of a file: what `implemented_by: path::symbol` may name and what a comment may bind to. */
import type { ts } from 'ts-morph';
import { isDeclarationFile } from '../../model/index.js';
import { bare, compiler, isFunctionNode } from './compiler.js';

export interface Declaration {
  /** `Cache`, `Cache.get`; `default` for a nameless default export. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Variables hold values: they can implement, but are not what a `@verifies` is looking for. */
  readonly kind: 'function' | 'class' | 'value' | 'type';
  /** Below `declare`, or in a declaration file: nothing is there. */
  readonly ambient: boolean;
}

const MAX_DEPTH = 20;

export function declarationsIn(source: ts.SourceFile): readonly Declaration[] {
  const found: Named[] = [];
  visitStatements(source.statements, '', source, found, 0);
  const ambient = isDeclarationFile(source.fileName) ? [source] : source.statements.filter(isDeclared);
  return found.map((one) => ({
    ...one,
    ambient: ambient.some((outer) => outer.pos <= one.start && one.end <= outer.end),
  }));
}

type Named = Omit<Declaration, 'ambient'>;

/** A statement with `declare`; what is below it is ambient with it. */
function isDeclared(statement: ts.Statement): boolean {
  const ts = compiler();
  return (
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword) === true
  );
}

function visitStatements(
  statements: readonly ts.Statement[],
  prefix: string,
  source: ts.SourceFile,
  found: Named[],
  depth: number,
): void {
  const ts = compiler();
  if (depth > MAX_DEPTH) return;
  for (const statement of statements) {
    const range = { start: statement.getStart(source), end: statement.end };
    const add = (name: string, kind: Declaration['kind']): void =>
      void found.push({ name: prefix + name, kind, ...range });
    if (ts.isFunctionDeclaration(statement)) add(statement.name?.text ?? 'default', 'function');
    else if (ts.isClassDeclaration(statement)) {
      const name = statement.name?.text ?? 'default';
      add(name, 'class');
      visitMembers(statement, `${prefix}${name}.`, source, found);
    } else if (
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isEnumDeclaration(statement)
    )
      add(statement.name.text, 'type');
    else if (ts.isModuleDeclaration(statement)) {
      const name = statement.name.text;
      add(name, 'type');
      if (statement.body !== undefined && ts.isModuleBlock(statement.body))
        visitStatements(statement.body.statements, `${prefix}${name}.`, source, found, depth + 1);
    } else if (ts.isVariableStatement(statement)) visitVariables(statement, prefix, range, source, found);
    else if (ts.isExportAssignment(statement))
      add('default', isFunctionNode(bare(statement.expression)) ? 'function' : 'value');
  }
}

function visitVariables(
  statement: ts.VariableStatement,
  prefix: string,
  range: { readonly start: number; readonly end: number },
  source: ts.SourceFile,
  found: Named[],
): void {
  const ts = compiler();
  for (const declaration of statement.declarationList.declarations) {
    if (!ts.isIdentifier(declaration.name)) continue;
    const value = declaration.initializer === undefined ? null : bare(declaration.initializer);
    const name = prefix + declaration.name.text;
    const kind =
      value !== null && isFunctionNode(value)
        ? 'function'
        : value !== null && ts.isClassExpression(value)
          ? 'class'
          : 'value';
    found.push({ name, kind, ...range });
    if (value !== null && ts.isClassExpression(value)) visitMembers(value, `${name}.`, source, found);
    if (value === null || !ts.isObjectLiteralExpression(value)) continue;
    for (const property of value.properties) {
      if (property.name === undefined || !ts.isIdentifier(property.name)) continue;
      const isFunction =
        ts.isMethodDeclaration(property) ||
        (ts.isPropertyAssignment(property) && isFunctionNode(bare(property.initializer)));
      if (isFunction)
        found.push({
          name: `${name}.${property.name.text}`,
          kind: 'function',
          start: property.getStart(source),
          end: property.end,
        });
    }
  }
}

function visitMembers(node: ts.ClassLikeDeclaration, prefix: string, source: ts.SourceFile, found: Named[]): void {
  const ts = compiler();
  for (const member of node.members) {
    const range = { start: member.getStart(source), end: member.end };
    if (ts.isConstructorDeclaration(member)) found.push({ name: `${prefix}constructor`, kind: 'function', ...range });
    else if (
      member.name !== undefined &&
      (ts.isIdentifier(member.name) || ts.isStringLiteral(member.name) || ts.isPrivateIdentifier(member.name))
    )
      found.push({
        name: prefix + member.name.text,
        kind: ts.isPropertyDeclaration(member) ? 'value' : 'function',
        ...range,
      });
  }
}

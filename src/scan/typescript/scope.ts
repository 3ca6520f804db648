/**
 * Names and what they stand for, by lexical scope. Tables are made when a scope is first asked, so blocks that nobody asks cost nothing.
 */
import type { ts } from 'ts-morph';
import type { FunctionNode } from './compiler.js';
import { compiler } from './compiler.js';

/** A parsed file with its top scope. */
export interface Module {
  readonly path: string;
  readonly source: ts.SourceFile;
  readonly scope: Scope;
}

/** An expression together with the scope that its names are to be looked up in. */
export interface Reference {
  readonly expression: ts.Expression;
  readonly scope: Scope;
}

export type Binding =
  /** `name` is what the other module calls it; `*` is the whole module. */
  | { readonly kind: 'import'; readonly specifier: string; readonly name: string }
  /** `members` leads from the value to what a destructuring pattern picked; null where the pattern cannot be followed. */
  | { readonly kind: 'const'; readonly initializer: ts.Expression; readonly members: readonly string[] | null }
  | { readonly kind: 'function'; readonly node: ts.FunctionDeclaration }
  | { readonly kind: 'class'; readonly node: ts.ClassDeclaration }
  | { readonly kind: 'enum'; readonly node: ts.EnumDeclaration }
  /** A parameter with a known argument. */
  | { readonly kind: 'argument'; readonly value: Reference; readonly members: readonly string[] | null }
  /** The context that node:test hands to a test: `t.test()` makes a subtest. */
  | { readonly kind: 'context' }
  /** Declared, but its value is not known: `let`, parameters, loop variables, catch. */
  | { readonly kind: 'unknown' };

const UNKNOWN: Binding = { kind: 'unknown' };

export interface Scope {
  readonly parent: Scope | null;
  readonly module: Module;
  /** Names declared in this very scope. */
  table(): ReadonlyMap<string, Binding>;
}

export interface Found {
  readonly binding: Binding;
  readonly scope: Scope;
}

export function lookUp(scope: Scope, name: string): Found | null {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const binding = at.table().get(name);
    if (binding !== undefined) return { binding, scope: at };
  }
  return null;
}

const scopeOf = (parent: Scope | null, module: Module, make: () => Map<string, Binding>): Scope => {
  let table: Map<string, Binding> | null = null;
  return { parent, module, table: () => (table ??= make()) };
};

export const blockScope = (parent: Scope | null, module: Module, statements: readonly ts.Statement[]): Scope =>
  scopeOf(parent, module, () => declarationsOf(statements));

/** A scope with given names only: loop variables, catch clauses. */
export const namesScope = (parent: Scope, names: readonly string[]): Scope =>
  scopeOf(parent, parent.module, () => new Map(names.map((name) => [name, UNKNOWN])));

/** The parameters of a function, bound to what a call gives for them; `context` marks the first as node:test's. */
export function parameterScope(
  parent: Scope,
  node: FunctionNode,
  given: readonly Reference[] | null,
  context = false,
): Scope {
  return scopeOf(parent, parent.module, () => {
    const ts = compiler();
    const table = new Map<string, Binding>();
    node.parameters.forEach((parameter, i) => {
      const value =
        given?.[i] ??
        (given !== null && parameter.initializer !== undefined
          ? { expression: parameter.initializer, scope: parent }
          : undefined);
      const rest = parameter.dotDotDotToken !== undefined;
      if (ts.isIdentifier(parameter.name)) {
        if (context && i === 0) table.set(parameter.name.text, { kind: 'context' });
        else
          table.set(
            parameter.name.text,
            value === undefined || rest ? UNKNOWN : { kind: 'argument', value, members: [] },
          );
      } else {
        for (const { name, members } of namesIn(parameter.name))
          table.set(name, value === undefined || rest ? UNKNOWN : { kind: 'argument', value, members });
      }
    });
    if (ts.isFunctionExpression(node) && node.name !== undefined && !table.has(node.name.text))
      table.set(node.name.text, UNKNOWN);
    return table;
  });
}

/** Names that a pattern binds, each with the property path to it (null behind a rest, a default or a computed key). */
export function namesIn(
  pattern: ts.BindingName,
  path: readonly string[] | null = [],
): { readonly name: string; readonly members: readonly string[] | null }[] {
  const ts = compiler();
  if (ts.isIdentifier(pattern)) return [{ name: pattern.text, members: path }];
  if (ts.isArrayBindingPattern(pattern))
    return pattern.elements.flatMap((element, i) =>
      ts.isOmittedExpression(element)
        ? []
        : namesIn(element.name, element.dotDotDotToken === undefined && path !== null ? [...path, String(i)] : null),
    );
  return pattern.elements.flatMap((element) => {
    const key = element.propertyName ?? element.name;
    const name = ts.isIdentifier(key) || ts.isStringLiteral(key) ? key.text : null;
    return namesIn(
      element.name,
      path === null || name === null || element.dotDotDotToken !== undefined || element.initializer !== undefined
        ? null
        : [...path, name],
    );
  });
}

/** `require('x')` and `await import('x')`: the module that the value is. */
export function requiredModule(expression: ts.Expression): string | null {
  const ts = compiler();
  let node = expression;
  if (ts.isAwaitExpression(node)) node = node.expression;
  if (!ts.isCallExpression(node) || node.arguments.length !== 1) return null;
  const [argument] = node.arguments;
  if (argument === undefined || !ts.isStringLiteralLike(argument)) return null;
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isImport || (ts.isIdentifier(node.expression) && node.expression.text === 'require') ? argument.text : null;
}

function addVariables(table: Map<string, Binding>, list: ts.VariableDeclarationList): void {
  const ts = compiler();
  const constant = (list.flags & ts.NodeFlags.Const) !== 0;
  for (const declaration of list.declarations) {
    const { initializer } = declaration;
    const required = initializer === undefined ? null : requiredModule(initializer);
    for (const { name, members } of namesIn(declaration.name)) {
      // `var x = require()` is written in older code and never assigned again.
      if (required !== null && members !== null && members.length <= 1)
        table.set(name, { kind: 'import', specifier: required, name: members[0] ?? '*' });
      else if (constant && initializer !== undefined) table.set(name, { kind: 'const', initializer, members });
      else table.set(name, UNKNOWN);
    }
  }
}

function addImport(table: Map<string, Binding>, node: ts.ImportDeclaration): void {
  const ts = compiler();
  const clause = node.importClause;
  if (clause === undefined || !ts.isStringLiteral(node.moduleSpecifier)) return;
  const specifier = node.moduleSpecifier.text;
  if (clause.name !== undefined) table.set(clause.name.text, { kind: 'import', specifier, name: 'default' });
  const named = clause.namedBindings;
  if (named === undefined) return;
  if (ts.isNamespaceImport(named)) table.set(named.name.text, { kind: 'import', specifier, name: '*' });
  else
    for (const element of named.elements)
      table.set(element.name.text, { kind: 'import', specifier, name: (element.propertyName ?? element.name).text });
}

function declarationsOf(statements: readonly ts.Statement[]): Map<string, Binding> {
  const ts = compiler();
  const table = new Map<string, Binding>();
  for (const statement of statements) {
    if (ts.isVariableStatement(statement)) addVariables(table, statement.declarationList);
    else if (ts.isImportDeclaration(statement)) addImport(table, statement);
    else if (ts.isImportEqualsDeclaration(statement)) {
      const reference = statement.moduleReference;
      const required =
        ts.isExternalModuleReference(reference) && ts.isStringLiteral(reference.expression)
          ? reference.expression.text
          : null;
      table.set(statement.name.text, required === null ? UNKNOWN : { kind: 'import', specifier: required, name: '*' });
    } else if (ts.isFunctionDeclaration(statement)) {
      // An overload has no body; the implementation follows it.
      if (statement.name !== undefined && (statement.body !== undefined || !table.has(statement.name.text)))
        table.set(statement.name.text, { kind: 'function', node: statement });
    } else if (ts.isClassDeclaration(statement)) {
      if (statement.name !== undefined) table.set(statement.name.text, { kind: 'class', node: statement });
    } else if (ts.isEnumDeclaration(statement)) table.set(statement.name.text, { kind: 'enum', node: statement });
  }
  return table;
}

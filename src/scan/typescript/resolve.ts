/**
 * What a name stands for, followed through imports, re-exports and CommonJS into other files of the project.
 */
import type { ts } from 'ts-morph';
import { bare, compiler } from './compiler.js';
import type { Modules } from './modules.js';
import { lookUp, type Binding, type Found, type Module, type Reference, type Scope } from './scope.js';

export type Resolved =
  | { readonly kind: 'declared'; readonly binding: Exclude<Binding, { kind: 'import' }>; readonly scope: Scope }
  /** A default export or CommonJS member that is an expression. */
  | { readonly kind: 'expression'; readonly reference: Reference }
  | { readonly kind: 'module'; readonly module: Module }
  /** A package or builtin: `name` is what it exports, `*` the whole. */
  | { readonly kind: 'package'; readonly specifier: string; readonly name: string }
  /** Declared nowhere: a global. */
  | { readonly kind: 'global'; readonly name: string }
  | { readonly kind: 'unknown' };

const UNKNOWN: Resolved = { kind: 'unknown' };
const MAX_DEPTH = 12;

export function resolveName(scope: Scope, name: string, modules: Modules, depth = 0): Resolved {
  const found = lookUp(scope, name);
  return found === null ? { kind: 'global', name } : resolveFound(found, modules, depth);
}

function resolveFound({ binding, scope }: Found, modules: Modules, depth: number): Resolved {
  if (binding.kind !== 'import') return { kind: 'declared', binding, scope };
  return resolveImport(scope.module, binding.specifier, binding.name, modules, depth + 1);
}

export function resolveImport(
  from: Module,
  specifier: string,
  name: string,
  modules: Modules,
  depth: number,
): Resolved {
  if (depth > MAX_DEPTH) return UNKNOWN;
  const path = modules.resolve(from.path, specifier);
  if (path === null)
    return specifier.startsWith('.') ||
      specifier.startsWith('#') ||
      specifier.startsWith('@/') ||
      specifier.startsWith('~/')
      ? UNKNOWN
      : { kind: 'package', specifier, name };
  const module = modules.module(path);
  if (module === null) return UNKNOWN;
  if (name === '*') return { kind: 'module', module };
  return resolveExport(module, name, modules, depth + 1) ?? UNKNOWN;
}

/** What a module exports under a name; null when it exports nothing of that name. */
export function resolveExport(module: Module, name: string, modules: Modules, depth: number): Resolved | null {
  const ts = compiler();
  if (depth > MAX_DEPTH) return UNKNOWN;
  const stars: string[] = [];
  for (const statement of module.source.statements) {
    if (ts.isExportAssignment(statement)) {
      if (name === 'default' && statement.isExportEquals !== true)
        return ofExpression({ expression: statement.expression, scope: module.scope }, modules, depth);
    } else if (ts.isExportDeclaration(statement)) {
      const specifier =
        statement.moduleSpecifier !== undefined && ts.isStringLiteral(statement.moduleSpecifier)
          ? statement.moduleSpecifier.text
          : null;
      const clause = statement.exportClause;
      if (clause === undefined) {
        if (specifier !== null && name !== 'default') stars.push(specifier);
      } else if (ts.isNamespaceExport(clause)) {
        if (clause.name.text === name && specifier !== null)
          return resolveImport(module, specifier, '*', modules, depth);
      } else {
        const element = clause.elements.find((candidate) => candidate.name.text === name);
        if (element === undefined) continue;
        const inner = (element.propertyName ?? element.name).text;
        return specifier === null
          ? resolveName(module.scope, inner, modules, depth)
          : resolveImport(module, specifier, inner, modules, depth);
      }
    } else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      const isDefault =
        statement.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword) === true;
      if (isDefault && name === 'default')
        return {
          kind: 'declared',
          scope: module.scope,
          binding: ts.isFunctionDeclaration(statement)
            ? { kind: 'function', node: statement }
            : { kind: 'class', node: statement },
        };
    } else if (ts.isExpressionStatement(statement)) {
      const value = commonJsExport(statement.expression, name);
      if (value !== null) return ofExpression({ expression: value, scope: module.scope }, modules, depth);
    }
  }
  const own = module.scope.table().get(name);
  if (own !== undefined && isExported(module, name))
    return resolveFound({ binding: own, scope: module.scope }, modules, depth);
  for (const specifier of stars) {
    const found = resolveImport(module, specifier, name, modules, depth + 1);
    if (found.kind !== 'unknown') return found;
  }
  return stars.length > 0 ? UNKNOWN : null;
}

function ofExpression(reference: Reference, modules: Modules, depth: number): Resolved {
  const expression = bare(reference.expression);
  if (compiler().isIdentifier(expression)) return resolveName(reference.scope, expression.text, modules, depth + 1);
  return { kind: 'expression', reference: { expression, scope: reference.scope } };
}

function isExported(module: Module, name: string): boolean {
  const ts = compiler();
  return module.source.statements.some((statement) => {
    if (
      !ts.canHaveModifiers(statement) ||
      statement.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) !== true
    )
      return false;
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.some((declaration) => patternHas(declaration.name, name));
    return (
      (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) || ts.isEnumDeclaration(statement)) &&
      statement.name?.text === name
    );
  });
}

function patternHas(pattern: ts.BindingName, name: string): boolean {
  const ts = compiler();
  if (ts.isIdentifier(pattern)) return pattern.text === name;
  return pattern.elements.some((element) => !ts.isOmittedExpression(element) && patternHas(element.name, name));
}

/** `exports.name = value`, `module.exports.name = value`, `module.exports = { name: value }`, `module.exports = value` for `default`. */
function commonJsExport(expression: ts.Expression, name: string): ts.Expression | null {
  const ts = compiler();
  if (!ts.isBinaryExpression(expression) || expression.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return null;
  const { left, right } = expression;
  if (!ts.isPropertyAccessExpression(left)) return null;
  const isModuleExports = (node: ts.Expression): boolean =>
    ts.isPropertyAccessExpression(node) &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === 'module' &&
    node.name.text === 'exports';
  if (isModuleExports(left)) {
    const value = bare(right);
    if (name === 'default') return value;
    return ts.isObjectLiteralExpression(value) ? memberOf(value, name) : null;
  }
  const onExports =
    (ts.isIdentifier(left.expression) && left.expression.text === 'exports') || isModuleExports(left.expression);
  return onExports && left.name.text === name ? right : null;
}

/** The value of a property of an object literal, when it can be told. */
export function memberOf(object: ts.ObjectLiteralExpression, name: string): ts.Expression | null {
  const ts = compiler();
  let found: ts.Expression | null = null;
  for (const property of object.properties) {
    if (ts.isSpreadAssignment(property)) {
      found = null; // it may set the same name
      continue;
    }
    const key = property.name;
    if (
      key === undefined ||
      !(ts.isIdentifier(key) || ts.isStringLiteralLike(key) || ts.isNumericLiteral(key)) ||
      key.text !== name
    )
      continue;
    if (ts.isPropertyAssignment(property)) found = property.initializer;
    else if (ts.isShorthandPropertyAssignment(property)) found = property.name;
    else found = null;
  }
  return found;
}

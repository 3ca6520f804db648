/**
 * Constant values without running anything: string literals, templates, sums, constants, members of constant objects and enums,
 * here and in other files. What is not constant is null; nothing is guessed.
 */
import type { ts } from 'ts-morph';
import { bare, compiler, isFunctionNode, type FunctionNode } from './compiler.js';
import type { Modules } from './modules.js';
import { memberOf, resolveExport, resolveName, type Resolved } from './resolve.js';
import type { Reference, Scope } from './scope.js';

const MAX_DEPTH = 40;
/** A title longer than this is cut nowhere: it counts as not constant. */
const MAX_LENGTH = 4096;

/** A function together with the scope that it closes over. */
export interface Closure {
  readonly node: FunctionNode;
  readonly scope: Scope;
}

export class Evaluator {
  readonly #modules: Modules;

  constructor(modules: Modules) {
    this.#modules = modules;
  }

  resolve(scope: Scope, name: string): Resolved {
    return resolveName(scope, name, this.#modules);
  }

  /** The expression that an expression stands for after names and members are followed; null when that ends nowhere. */
  follow(reference: Reference, depth = 0): Reference | Resolved | null {
    const ts = compiler();
    if (depth > MAX_DEPTH) return null;
    const expression = bare(reference.expression);
    const { scope } = reference;
    if (ts.isIdentifier(expression))
      return this.#followResolved(resolveName(scope, expression.text, this.#modules), depth + 1);
    const member = this.#memberName(expression, scope, depth);
    if (member === null) return { expression, scope };
    return this.#member(this.follow({ expression: member.of, scope }, depth + 1), member.name, depth + 1);
  }

  #memberName(
    expression: ts.Expression,
    scope: Scope,
    depth: number,
  ): { readonly of: ts.Expression; readonly name: string } | null {
    const ts = compiler();
    if (ts.isPropertyAccessExpression(expression)) return { of: expression.expression, name: expression.name.text };
    if (!ts.isElementAccessExpression(expression)) return null;
    const name = this.constant(expression.argumentExpression, scope, depth + 1);
    return name === null ? null : { of: expression.expression, name };
  }

  #followResolved(resolved: Resolved, depth: number): Reference | Resolved | null {
    if (resolved.kind === 'expression') return this.follow(resolved.reference, depth + 1);
    if (resolved.kind !== 'declared') return resolved;
    const { binding } = resolved;
    if (binding.kind !== 'const' && binding.kind !== 'argument') return resolved;
    if (binding.members === null) return null;
    const start: Reference =
      binding.kind === 'const' ? { expression: binding.initializer, scope: resolved.scope } : binding.value;
    let at: Reference | Resolved | null = this.follow(start, depth + 1);
    for (const name of binding.members) at = this.#member(at, name, depth + 1);
    return at;
  }

  #member(of: Reference | Resolved | null, name: string, depth: number): Reference | Resolved | null {
    const ts = compiler();
    if (of === null || depth > MAX_DEPTH) return null;
    if ('expression' in of) {
      const object = frozen(of.expression);
      if (ts.isObjectLiteralExpression(object)) {
        const value = memberOf(object, name);
        return value === null ? null : this.follow({ expression: value, scope: of.scope }, depth + 1);
      }
      if (
        ts.isArrayLiteralExpression(object) &&
        /^\d+$/u.test(name) &&
        !object.elements.some((element) => ts.isSpreadElement(element))
      ) {
        const element = object.elements[Number(name)];
        return element === undefined ? null : this.follow({ expression: element, scope: of.scope }, depth + 1);
      }
      return null;
    }
    if (of.kind === 'module') {
      const found = resolveExport(of.module, name, this.#modules, 0);
      return found === null ? null : this.#followResolved(found, depth + 1);
    }
    if (of.kind === 'package')
      return {
        kind: 'package',
        specifier: of.specifier,
        name: of.name === '*' || of.name === 'default' ? name : `${of.name}.${name}`,
      };
    if (of.kind === 'declared' && of.binding.kind === 'enum') {
      const member = of.binding.node.members.find(
        (candidate) =>
          (ts.isIdentifier(candidate.name) || ts.isStringLiteralLike(candidate.name)) && candidate.name.text === name,
      );
      return member?.initializer === undefined ? null : { expression: member.initializer, scope: of.scope };
    }
    return null;
  }

  /** The text that an expression always gives in a template, or null. */
  constant(expression: ts.Expression, scope: Scope, depth = 0): string | null {
    const ts = compiler();
    if (depth > MAX_DEPTH) return null;
    const node = bare(expression);
    if (ts.isStringLiteralLike(node)) return node.text.length <= MAX_LENGTH ? node.text : null;
    if (ts.isNumericLiteral(node)) return String(Number(node.text));
    if (node.kind === ts.SyntaxKind.TrueKeyword) return 'true';
    if (node.kind === ts.SyntaxKind.FalseKeyword) return 'false';
    if (node.kind === ts.SyntaxKind.NullKeyword) return 'null';
    if (ts.isTemplateExpression(node)) return this.#template(node, scope, depth);
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
      return this.#sum(node, scope, depth);
    if (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) {
      const target = this.follow({ expression: node, scope }, depth + 1);
      if (target === null || !('expression' in target)) return this.#nameProperty(node, scope, depth);
      return target.expression === node ? null : this.constant(target.expression, target.scope, depth + 1);
    }
    return null;
  }

  #template(node: ts.TemplateExpression, scope: Scope, depth: number): string | null {
    let text = node.head.text;
    for (const span of node.templateSpans) {
      const value = this.constant(span.expression, scope, depth + 1);
      if (value === null) return null;
      text += value + span.literal.text;
      if (text.length > MAX_LENGTH) return null;
    }
    return text;
  }

  #sum(node: ts.BinaryExpression, scope: Scope, depth: number): string | null {
    const ts = compiler();
    const left = this.constant(node.left, scope, depth + 1);
    const right = left === null ? null : this.constant(node.right, scope, depth + 1);
    if (left === null || right === null || left.length + right.length > MAX_LENGTH) return null;
    // Two numbers are added, not joined.
    const numeric = (side: ts.Expression): boolean => ts.isNumericLiteral(bare(side));
    return numeric(node.left) && numeric(node.right) ? String(Number(left) + Number(right)) : left + right;
  }

  /** `Foo.name` of a class or function. */
  #nameProperty(node: ts.Expression, scope: Scope, depth: number): string | null {
    return compiler().isPropertyAccessExpression(node) && node.name.text === 'name'
      ? this.declaredName(node.expression, scope, depth + 1)
      : null;
  }

  /** The name of the class or function that an expression is; test frameworks take these as titles. */
  declaredName(expression: ts.Expression, scope: Scope, depth = 0): string | null {
    const ts = compiler();
    const target = this.follow({ expression, scope }, depth);
    if (target === null) return null;
    if ('expression' in target) {
      const node = target.expression;
      if (!ts.isClassExpression(node) && !ts.isFunctionExpression(node) && !ts.isArrowFunction(node)) return null;
      if (!ts.isArrowFunction(node) && node.name !== undefined) return node.name.text;
      // An anonymous function takes the name of the constant that it was first assigned to.
      return ts.isIdentifier(expression) && lookedUpHere(expression, scope) ? expression.text : null;
    }
    if (target.kind !== 'declared') return null;
    return target.binding.kind === 'class' || target.binding.kind === 'function'
      ? (target.binding.node.name?.text ?? null)
      : null;
  }

  /** The function that an expression is, or null. */
  closure(expression: ts.Expression, scope: Scope): Closure | null {
    const target = this.follow({ expression, scope });
    if (target === null) return null;
    if ('expression' in target)
      return isFunctionNode(target.expression) ? { node: target.expression, scope: target.scope } : null;
    return target.kind === 'declared' && target.binding.kind === 'function'
      ? { node: target.binding.node, scope: target.scope }
      : null;
  }
}

const lookedUpHere = (identifier: ts.Identifier, scope: Scope): boolean => {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const binding = at.table().get(identifier.text);
    if (binding !== undefined)
      return binding.kind === 'const' && binding.members?.length === 0 && isFunctionNode(bare(binding.initializer));
  }
  return false;
};

/** `Object.freeze({…})` is the object. */
function frozen(expression: ts.Expression): ts.Expression {
  const ts = compiler();
  const node = bare(expression);
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return node;
  const { expression: of, name } = node.expression;
  const [first] = node.arguments;
  return ts.isIdentifier(of) && of.text === 'Object' && name.text === 'freeze' && first !== undefined
    ? bare(first)
    : node;
}

/**
 * Whether an assertion can be reached from a test's body. "No" only where every call that could assert was looked at;
 * what stays unknown is not reported as hollow.
 */
import type { ts } from 'ts-morph';
import { frameworkOfPackage } from './api.js';
import {
  calleeNames,
  callAsserts,
  isTestingPackage,
  mayAssertByName,
  propertyAsserts,
  type Reach,
} from './assertions.js';
import { bare, compiler, isFunctionNode } from './compiler.js';
import type { Closure, Evaluator } from './evaluate.js';
import { blockScope, lookUp, parameterScope, type Scope } from './scope.js';

const MAX_DEPTH = 5;
const MAX_NESTING = 300;

interface State {
  readonly seen: Set<ts.Node>;
  /** Imports of the project are followed only when the file itself shows no assertion: most do, and then nothing else is read. */
  readonly followImports: boolean;
  readonly contextName: string | null;
  /** Path of the file that the body stands in. */
  readonly home: string;
  unknown: boolean;
}

/** A helper of tests that throws fails the test on purpose; the code under test throws for reasons of its own. */
const isTestPath = (path: string): boolean =>
  /(?:^|[/._-])(?:test|tests|spec|specs|__tests__|e2e|helpers?|support|fixtures?|utils)(?=[/._-]|$)/iu.test(path);

/** What running statements in order comes to: an assertion found, the end reached, or left before it. */
type Flow = 'asserts' | 'goes-on' | 'leaves';

export class HollowCheck {
  readonly #evaluator: Evaluator;

  constructor(evaluator: Evaluator) {
    this.#evaluator = evaluator;
  }

  /** `yes`: an assertion can be reached; `no`: hollow; `unknown`: it cannot be told. */
  reach(body: Closure): Reach {
    const ts = compiler();
    if (this.#plainlyAsserts(body)) return 'yes';
    const [first] = body.node.parameters;
    const contextName = first !== undefined && ts.isIdentifier(first.name) ? first.name.text : null;
    let unknown = false;
    for (const followImports of [false, true]) {
      const state: State = {
        seen: new Set(),
        followImports,
        contextName,
        home: body.scope.module.path,
        unknown: false,
      };
      if (this.#function(body, state, 0)) return 'yes';
      unknown = state.unknown;
    }
    return unknown ? 'unknown' : 'no';
  }

  /** Most tests assert in a statement of their own, after nothing but calls and constants: no scope is needed to see that. */
  #plainlyAsserts(body: Closure): boolean {
    const ts = compiler();
    const block = body.node.body;
    if (block === undefined || !ts.isBlock(block)) return false;
    for (const statement of block.statements) {
      // None of these can keep the next statement from being reached for sure.
      const passable =
        ts.isVariableStatement(statement) ||
        ts.isIterationStatement(statement, false) ||
        ts.isFunctionDeclaration(statement);
      if (
        passable ||
        (ts.isIfStatement(statement) &&
          statement.elseStatement === undefined &&
          literalTruth(statement.expression) !== true)
      )
        continue;
      if (!ts.isExpressionStatement(statement)) return false;
      const expression = bare(statement.expression);
      if (ts.isCallExpression(expression) && callAsserts(expression, null, true) === 'yes') return true;
      if (endsProcess(expression)) return false;
    }
    return false;
  }

  #function(closure: Closure, state: State, depth: number): boolean {
    if (state.seen.has(closure.node)) return false;
    state.seen.add(closure.node);
    const { body } = closure.node;
    if (body === undefined) return false;
    if (depth > MAX_DEPTH) {
      state.unknown = true;
      return false;
    }
    const scope = parameterScope(closure.scope, closure.node, null);
    if (compiler().isBlock(body)) return this.#statements(body.statements, scope, state, depth, 0) === 'asserts';
    return this.#expression(body, scope, state, depth, true, 0);
  }

  #statements(statements: readonly ts.Statement[], outer: Scope, state: State, depth: number, nesting: number): Flow {
    const scope = blockScope(outer, outer.module, statements);
    for (const statement of statements) {
      const flow = this.#statement(statement, scope, state, depth, nesting + 1);
      if (flow !== 'goes-on') return flow;
    }
    return 'goes-on';
  }

  #statement(node: ts.Statement, scope: Scope, state: State, depth: number, nesting: number): Flow {
    const ts = compiler();
    if (nesting > MAX_NESTING) {
      state.unknown = true;
      return 'goes-on';
    }
    const visit = (part: ts.Node | undefined): boolean =>
      part !== undefined && this.#expression(part, scope, state, depth, false, nesting);
    const asserts = (found: boolean, otherwise: Flow = 'goes-on'): Flow => (found ? 'asserts' : otherwise);
    if (ts.isThrowStatement(node))
      return scope.module.path === state.home || isTestPath(scope.module.path) ? 'asserts' : 'leaves';
    if (ts.isReturnStatement(node)) return asserts(visit(node.expression), 'leaves');
    if (ts.isBlock(node)) return this.#statements(node.statements, scope, state, depth, nesting);
    if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) return 'goes-on'; // only when called
    if (ts.isExpressionStatement(node)) {
      if (this.#expression(node.expression, scope, state, depth, true, nesting)) return 'asserts';
      return endsProcess(bare(node.expression)) ? 'leaves' : 'goes-on';
    }
    if (ts.isIfStatement(node)) return this.#if(node, scope, state, depth, nesting);
    if (ts.isTryStatement(node)) {
      const tried = this.#statements(node.tryBlock.statements, scope, state, depth, nesting);
      if (tried === 'asserts') return tried;
      if (
        node.catchClause !== undefined &&
        this.#statements(node.catchClause.block.statements, scope, state, depth, nesting) === 'asserts'
      )
        return 'asserts';
      const last =
        node.finallyBlock === undefined
          ? 'goes-on'
          : this.#statements(node.finallyBlock.statements, scope, state, depth, nesting);
      return last === 'goes-on' ? tried : last;
    }
    if (ts.isSwitchStatement(node)) {
      if (visit(node.expression)) return 'asserts';
      return asserts(
        node.caseBlock.clauses.some(
          (clause) => this.#statements(clause.statements, scope, state, depth, nesting) === 'asserts',
        ),
      );
    }
    if (ts.isIterationStatement(node, false)) {
      if (visit(ts.isForStatement(node) ? node.condition : loopExpression(node))) return 'asserts';
      return asserts(this.#statement(node.statement, scope, state, depth, nesting + 1) === 'asserts');
    }
    if (ts.isLabeledStatement(node)) return this.#statement(node.statement, scope, state, depth, nesting + 1);
    if (ts.isVariableStatement(node))
      return asserts(
        node.declarationList.declarations.some(
          (declaration) =>
            declaration.initializer !== undefined &&
            !isFunctionNode(bare(declaration.initializer)) &&
            visit(declaration.initializer),
        ),
      );
    return 'goes-on';
  }

  #if(node: ts.IfStatement, scope: Scope, state: State, depth: number, nesting: number): Flow {
    if (this.#expression(node.expression, scope, state, depth, false, nesting)) return 'asserts';
    const always = literalTruth(node.expression);
    const then = always === false ? 'goes-on' : this.#statement(node.thenStatement, scope, state, depth, nesting + 1);
    if (then === 'asserts' || always === true) return then;
    const otherwise =
      node.elseStatement === undefined
        ? 'goes-on'
        : this.#statement(node.elseStatement, scope, state, depth, nesting + 1);
    if (otherwise === 'asserts' || always === false) return otherwise;
    return then === 'leaves' && otherwise === 'leaves' ? 'leaves' : 'goes-on';
  }

  /** True when evaluating the expression may assert; function expressions in it count as called. */
  #expression(
    expression: ts.Node,
    scope: Scope,
    state: State,
    depth: number,
    isStatement: boolean,
    nesting: number,
  ): boolean {
    const ts = compiler();
    if (nesting > MAX_NESTING) {
      state.unknown = true;
      return false;
    }
    const node = ts.isExpression(expression) ? bare(expression) : expression;
    const children = (): boolean =>
      ts.forEachChild(
        node,
        (child) => this.#expression(child, scope, state, depth, false, nesting + 1) || undefined,
      ) === true;
    if (ts.isTypeNode(node)) return false;
    if (isFunctionNode(node)) return this.#function({ node, scope }, state, depth + 1);
    if (ts.isBlock(node)) return this.#statements(node.statements, scope, state, depth, nesting) === 'asserts';
    if (ts.isCallExpression(node)) {
      const asserts = callAsserts(node, state.contextName, isStatement);
      if (asserts === 'yes') return true;
      if (asserts === 'unknown') state.unknown = true;
      return this.#called(node.expression, scope, state, depth) || children();
    }
    if (ts.isPropertyAccessExpression(node) && isStatement) {
      if (propertyAsserts(node)) return true;
      // `expect(x).toBe;` is never called.
      if (calleeNames(node)[0] === 'expect') return false;
    }
    if (ts.isVoidExpression(node))
      return this.#expression(node.expression, scope, state, depth, isStatement, nesting + 1);
    if (ts.isIdentifier(node)) return this.#mentioned(node, scope, state, depth);
    return children();
  }

  /** A local function handed to something is taken to be called by it. */
  #mentioned(node: ts.Identifier, scope: Scope, state: State, depth: number): boolean {
    const found = lookUp(scope, node.text);
    if (found === null) return false;
    const { binding } = found;
    if (binding.kind === 'function')
      return this.#function({ node: binding.node, scope: found.scope }, state, depth + 1);
    if (binding.kind !== 'const' || binding.members?.length !== 0) return false;
    const value = bare(binding.initializer);
    return isFunctionNode(value) && this.#function({ node: value, scope: found.scope }, state, depth + 1);
  }

  #called(callee: ts.Expression, scope: Scope, state: State, depth: number): boolean {
    const ts = compiler();
    const node = bare(callee);
    const root = rootOf(node);
    if (root === null) return false;
    const binding = lookUp(scope, root.text)?.binding;
    // Methods of objects made at run time cannot be followed; their names were looked at.
    if (binding?.kind === 'import' || ts.isIdentifier(node)) {
      if (binding === undefined) {
        if (mayAssertByName(root.text)) state.unknown = true;
        return false;
      }
      if (binding.kind === 'import' && !state.followImports) return false;
      const target = this.#evaluator.follow({ expression: node, scope });
      if (target === null) {
        state.unknown ||= binding.kind === 'import' || binding.kind === 'argument';
        return false;
      }
      if ('expression' in target) {
        if (isFunctionNode(target.expression))
          return this.#function({ node: target.expression, scope: target.scope }, state, depth + 1);
        // A value made by a call, such as `const expectOk = makeExpect()`, may be anything.
        state.unknown ||=
          ts.isIdentifier(node) && (ts.isCallExpression(target.expression) || mayAssertByName(root.text));
        return false;
      }
      if (target.kind === 'declared' && target.binding.kind === 'function')
        return this.#function({ node: target.binding.node, scope: target.scope }, state, depth + 1);
      // A framework's own assertions were known by name; what is left of it (`test`, `vi.fn`) asserts nothing.
      if (
        target.kind === 'package' &&
        frameworkOfPackage(target.specifier) === null &&
        isTestingPackage(target.specifier)
      )
        state.unknown = true;
      if (target.kind === 'unknown') state.unknown = true;
      if (
        target.kind === 'declared' &&
        target.binding.kind === 'unknown' &&
        ts.isIdentifier(node) &&
        mayAssertByName(root.text)
      )
        state.unknown = true;
    }
    return false;
  }
}

function loopExpression(node: ts.IterationStatement): ts.Expression | undefined {
  const ts = compiler();
  return ts.isForOfStatement(node) || ts.isForInStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)
    ? node.expression
    : undefined;
}

function rootOf(expression: ts.Expression): ts.Identifier | null {
  const ts = compiler();
  let node = bare(expression);
  while (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) || ts.isCallExpression(node))
    node = bare(node.expression);
  return ts.isIdentifier(node) ? node : null;
}

/** The truth of a condition that is a literal, or null. */
function literalTruth(expression: ts.Expression): boolean | null {
  const ts = compiler();
  const node = bare(expression);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  if (ts.isNumericLiteral(node)) return Number(node.text) !== 0;
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    const inner = literalTruth(node.operand);
    return inner === null ? null : !inner;
  }
  return null;
}

/** `process.exit()`: what follows is not reached. */
function endsProcess(expression: ts.Expression): boolean {
  const ts = compiler();
  if (!ts.isCallExpression(expression) || !ts.isPropertyAccessExpression(expression.expression)) return false;
  const { expression: of, name } = expression.expression;
  return ts.isIdentifier(of) && of.text === 'process' && (name.text === 'exit' || name.text === 'abort');
}

/** Whether a body may skip its own test: `t.skip()`, `ctx.skip()`, `this.skip()`, `test.skip(condition)`, a destructured `skip()`. */
export function skipsItself(body: Closure): boolean {
  const ts = compiler();
  const [first] = body.node.parameters;
  const names = new Set<string>(['this', 'test', 'it']);
  let bareSkip = false;
  if (first !== undefined && ts.isIdentifier(first.name)) names.add(first.name.text);
  if (first !== undefined && ts.isObjectBindingPattern(first.name))
    bareSkip = first.name.elements.some((element) => ts.isIdentifier(element.name) && element.name.text === 'skip');
  const visit = (node: ts.Node, nesting: number): boolean => {
    if (nesting > MAX_NESTING) return false;
    if (ts.isCallExpression(node)) {
      const callee = bare(node.expression);
      if (ts.isIdentifier(callee) && bareSkip && callee.text === 'skip') return true;
      if (ts.isPropertyAccessExpression(callee) && ['skip', 'todo', 'fixme'].includes(callee.name.text)) {
        const of = bare(callee.expression);
        const known = of.kind === ts.SyntaxKind.ThisKeyword || (ts.isIdentifier(of) && names.has(of.text));
        // `test.skip('title', body)` inside a body declares a subtest.
        if (known && !node.arguments.some((argument) => isFunctionNode(bare(argument)))) return true;
      }
    }
    if (
      isFunctionNode(node) &&
      node.parameters.some(
        (parameter) =>
          ts.isIdentifier(parameter.name) && names.has(parameter.name.text) && parameter.name.text !== 'this',
      )
    )
      return false;
    return ts.forEachChild(node, (child) => visit(child, nesting + 1) || undefined) === true;
  };
  return body.node.body !== undefined && visit(body.node.body, 0);
}

/**
 * The walk over a file: it follows what would run while the tests are collected (suites' bodies, loops, conditions, callbacks,
 * wrappers in this file and others) and notes every test that this would declare.
 */
import type { ts } from 'ts-morph';
import type { Condition, Framework, SkipMark } from '../../model/index.js';
import { conditionOf, under } from '../conditions.js';
import { apiOf, frameworkOfPackage, type Api } from './api.js';
import { optionMarks, readArguments, type Given } from './arguments.js';
import { waysThrough, type Way } from './branches.js';
import { bare, compiler, isFunctionNode, placeIn } from './compiler.js';
import { callPlace, titleOf, type Declared } from './declared.js';
import type { Closure, Evaluator } from './evaluate.js';
import {
  blockScope,
  lookUp,
  namesIn,
  namesScope,
  parameterScope,
  type Module,
  type Reference,
  type Scope,
} from './scope.js';

/** Wrappers of wrappers, and calls in all: bounds against recursion and against files made to hurt. */
const MAX_CALLS_DEEP = 8;
const MAX_CALLS = 50_000;
const MAX_TESTS = 20_000;
const MAX_NESTING = 400;

/** Array methods that call back once for each element. */
const LOOPS: ReadonlySet<string> = new Set([
  'forEach',
  'map',
  'flatMap',
  'filter',
  'reduce',
  'reduceRight',
  'some',
  'every',
  'find',
  'each',
  'times',
  'from',
]);

interface Group {
  skip?: SkipMark;
}

interface Context {
  readonly scope: Scope;
  readonly path: readonly string[];
  readonly dynamic: boolean;
  readonly parametrised: boolean;
  readonly skip?: SkipMark;
  readonly loop: boolean;
  readonly condition: Condition | null;
  /** Inside a wrapper: the call in the analysed file that led here. */
  readonly site: { readonly call: ts.CallExpression; readonly statementStart: number } | null;
  /** The innermost call in the analysed file on the way here. */
  readonly lastOwnCall: ts.CallExpression | null;
  readonly statementStart: number;
  /** The expression that is the statement being visited. */
  readonly direct: ts.Expression | null;
  /** Functions being followed, against recursion. */
  readonly following: readonly ts.Node[];
  /** Inside the body of a node:test test. */
  readonly inTest: boolean;
  readonly nesting: number;
  readonly group: Group;
}

export class Walker {
  readonly declared: Declared[] = [];
  /** Which bound ended the walk before its end; null when none did. */
  cut: string | null = null;
  readonly #module: Module;
  readonly #evaluator: Evaluator;
  readonly #defaultFramework: Framework | null;
  #calls = 0;

  constructor(module: Module, evaluator: Evaluator, defaultFramework: Framework | null) {
    this.#module = module;
    this.#evaluator = evaluator;
    this.#defaultFramework = defaultFramework;
  }

  walk(): readonly Declared[] {
    const { scope, source } = this.#module;
    const context: Context = {
      scope,
      path: [],
      dynamic: false,
      parametrised: false,
      loop: false,
      condition: null,
      site: null,
      lastOwnCall: null,
      statementStart: 0,
      direct: null,
      following: [],
      inTest: false,
      nesting: 0,
      group: {},
    };
    for (const statement of source.statements) this.#statement(statement, context);
    return this.declared;
  }

  #stop(bound: string): void {
    this.cut ??= bound;
  }

  #statements(statements: readonly ts.Statement[], context: Context): void {
    const inner = { ...context, scope: blockScope(context.scope, context.scope.module, statements) };
    for (const statement of statements) this.#statement(statement, inner);
  }

  #statement(statement: ts.Statement, context: Context): void {
    this.#visit(statement, {
      ...context,
      statementStart: statement.getStart(context.scope.module.source),
      nesting: context.nesting + 1,
    });
  }

  #visit(node: ts.Node, context: Context): void {
    const ts = compiler();
    if (context.nesting > MAX_NESTING) return this.#stop(`source nested deeper than ${MAX_NESTING} levels`);
    if (ts.isCallExpression(node)) return this.#call(node, context);
    if (ts.isExpressionStatement(node))
      return this.#visit(node.expression, { ...context, direct: bare(node.expression) });
    if (ts.isIdentifier(node) || ts.isStringLiteral(node) || ts.isImportDeclaration(node)) return undefined;
    if (isFunctionNode(node) || ts.isClassLike(node) || ts.isTypeNode(node)) return undefined; // run later or never
    if (ts.isBlock(node)) return this.#statements(node.statements, context);
    if (ts.isIterationStatement(node, false)) return this.#iteration(node, context);
    const ways = waysThrough(node, context.scope.module.source);
    if (ways !== null) return this.#ways(ways, context);
    const inner = { ...context, nesting: context.nesting + 1 };
    ts.forEachChild(node, (child) => this.#visit(child, inner));
    return undefined;
  }

  #ways(ways: readonly Way[], context: Context): void {
    const ts = compiler();
    const { module } = context.scope;
    for (const { condition, at, to } of ways) {
      // A condition in another file has no line here; the call that leads there has.
      const place = module === this.#module ? at : (context.site?.call ?? this.#module.source);
      const line = placeIn(this.#module.source, place.getStart(this.#module.source)).line;
      const inner = condition === null ? context : { ...context, condition: under(context.condition, condition, line) };
      if (!('kind' in to)) this.#statements(to, inner);
      else if (ts.isStatement(to)) this.#statement(to, inner);
      else this.#visit(to, { ...inner, nesting: inner.nesting + 1 });
    }
  }

  #iteration(node: ts.IterationStatement, context: Context): void {
    const ts = compiler();
    const initializer =
      ts.isForStatement(node) || ts.isForOfStatement(node) || ts.isForInStatement(node) ? node.initializer : undefined;
    const names =
      initializer !== undefined && ts.isVariableDeclarationList(initializer)
        ? initializer.declarations.flatMap((declaration) => namesIn(declaration.name).map(({ name }) => name))
        : [];
    this.#statement(node.statement, { ...context, loop: true, scope: namesScope(context.scope, names) });
  }

  /**
   * A function imported from the project is looked at only where it may be a wrapper: as a statement of a suite, or handed
   * node:test's context. Else every test file would pull in the code it tests.
   */
  #worthResolving(call: ts.CallExpression, context: Context): boolean {
    const ts = compiler();
    let root: ts.Expression = bare(call.expression);
    while (ts.isPropertyAccessExpression(root) || ts.isElementAccessExpression(root) || ts.isCallExpression(root))
      root = bare(root.expression);
    if (!ts.isIdentifier(root)) return true;
    const found = lookUp(context.scope, root.text)?.binding;
    if (found?.kind !== 'import' || frameworkOfPackage(found.specifier) !== null) return true;
    if (!context.inTest) return context.direct === call;
    return call.arguments.some(
      (argument) => ts.isIdentifier(argument) && lookUp(context.scope, argument.text)?.binding.kind === 'context',
    );
  }

  #call(call: ts.CallExpression, context: Context): void {
    if (!this.#worthResolving(call, context)) return this.#callbacks(call, context);
    const api = apiOf(call.expression, context.scope, this.#evaluator);
    if (api !== null) {
      if (api.role === 'suite' || api.role === 'case') {
        const framework = api.framework ?? this.#defaultFramework;
        const given =
          api.pending === undefined || api.pending === 'maybe'
            ? readArguments(call, context.scope, this.#evaluator, api.certain, framework)
            : null;
        if (given !== null && (api.pending === undefined || given.body !== null))
          return this.#declare(call, api, given, context);
        // Playwright: `test.skip(condition, why)` between the tests of a group holds for all of them.
        if (api.skip !== undefined && api.certain && api.pending === undefined && framework === 'playwright')
          context.group.skip = 'conditional';
        if (api.certain || given !== null) return undefined;
      } else if (api.role === 'hook') return undefined;
    }
    return this.#plainCall(call, context);
  }

  /** A call that declares nothing itself: follow it where the function is known, and its callbacks in any case. */
  #plainCall(call: ts.CallExpression, context: Context): void {
    const ts = compiler();
    const callee = bare(call.expression);
    this.#calls += 1;
    if (this.#calls > MAX_CALLS) return this.#stop(`more than ${MAX_CALLS} calls`);
    const closure = isFunctionNode(callee)
      ? { node: callee, scope: context.scope }
      : this.#evaluator.closure(callee, context.scope);
    if (closure !== null && this.#mayFollow(closure, context)) {
      const given: Reference[] = call.arguments.map((expression) => ({ expression, scope: context.scope }));
      return this.#follow(
        closure,
        call.arguments.some((argument) => ts.isSpreadElement(argument)) ? [] : given,
        call,
        context,
      );
    }
    return this.#callbacks(call, context);
  }

  /** Functions handed to a function that is not known: taken to be called, once or (for array methods) many times. */
  #callbacks(call: ts.CallExpression, context: Context): void {
    const ts = compiler();
    const callee = bare(call.expression);
    const loop = ts.isPropertyAccessExpression(callee) && LOOPS.has(callee.name.text);
    const inner = { ...context, loop: context.loop || loop, nesting: context.nesting + 1 };
    this.#visit(call.expression, inner);
    for (const argument of call.arguments) {
      const node = bare(argument);
      const callback = isFunctionNode(node)
        ? { node, scope: context.scope }
        : ts.isIdentifier(node)
          ? this.#evaluator.closure(node, context.scope)
          : null;
      if (callback === null) this.#visit(argument, inner);
      else if (this.#mayFollow(callback, inner)) {
        const lastOwnCall = context.scope.module === this.#module ? call : context.lastOwnCall;
        this.#body(callback, null, call, { ...inner, lastOwnCall, following: [...inner.following, callback.node] });
      }
    }
  }

  #mayFollow(closure: Closure, context: Context): boolean {
    return context.following.length < MAX_CALLS_DEEP && !context.following.includes(closure.node);
  }

  #follow(closure: Closure, given: readonly Reference[], call: ts.CallExpression, context: Context): void {
    const own = context.scope.module === this.#module;
    const invoked = isFunctionNode(bare(call.expression));
    this.#body(closure, given, call, {
      ...context,
      site: invoked ? context.site : (context.site ?? { call, statementStart: context.statementStart }),
      lastOwnCall: own ? call : context.lastOwnCall,
      following: [...context.following, closure.node],
    });
  }

  /**
   * What a wrapper was handed in the analysed file has places of its own there; the wrapper's call is not its place. A function of
   * another file that is handed over (`describe('x', imported)`) has none there but the call that it is handed to.
   */
  #siteOf(closure: Closure, { site, statementStart }: Context, call: ts.CallExpression): Context['site'] {
    const { node, scope } = closure;
    if (scope.module !== this.#module) return site ?? { call, statementStart };
    return site !== null && node.pos >= site.call.pos && node.end <= site.call.end ? null : site;
  }

  /** @param call leads to the body: calls the function, or is handed it */
  #body(
    closure: Closure,
    given: readonly Reference[] | null,
    call: ts.CallExpression,
    context: Context,
    isTestBody = false,
  ): void {
    const { body } = closure.node;
    if (body === undefined) return;
    const scope = parameterScope(closure.scope, closure.node, given, isTestBody);
    const inner = { ...context, scope, site: this.#siteOf(closure, context, call), nesting: context.nesting + 1 };
    if (compiler().isBlock(body)) this.#statements(body.statements, inner);
    else this.#visit(body, { ...inner, direct: bare(body), statementStart: body.getStart(scope.module.source) });
  }

  #declare(call: ts.CallExpression, api: Api, given: Given, context: Context): void {
    if (this.declared.length >= MAX_TESTS) return this.#stop(`more than ${MAX_TESTS} tests`);
    const framework = api.framework ?? this.#defaultFramework;
    const marks = optionMarks(given, this.#evaluator);
    const written = given.title === null ? null : titleOf(given.title, context.scope, this.#evaluator);
    const isNamed = written !== null && !(written.text === '' && framework === 'node-test');
    const title = isNamed ? written : { text: functionTitle(given), constant: true };
    const parametrised =
      context.parametrised || api.parametrised === true || (context.loop && title.constant && !context.dynamic);
    const dynamic = context.dynamic || !title.constant;
    const noBody = given.noBody && (framework === 'node-test' || api.skip === 'todo');
    const pendingTodo: SkipMark | undefined =
      api.role === 'case' && given.noBody && framework !== 'node-test' ? 'todo' : undefined;
    const own = firmest(marks.skip, api.skip, pendingTodo);
    const skip = inherited(own, firmest(context.skip, context.condition === null ? undefined : 'conditional'));
    const path = [...context.path, title.text];
    const site = context.site?.call ?? call;
    const at = this.#declared(call, context);
    const entry: Declared = {
      kind: api.role === 'suite' ? 'suite' : 'case',
      framework,
      path,
      dynamic,
      parametrised,
      site,
      call,
      scope: context.scope,
      ...(skip === undefined ? {} : { skip }),
      ...(api.focused === true || marks.focused === true ? { focused: true } : {}),
      statementStart: context.site?.statementStart ?? context.statementStart,
      ...(at === null ? {} : { reportedAt: at }),
      ...conditionOf(context.condition),
      title: given.title,
      options: given.options,
      optionsScope: given.optionsScope,
      body: given.body,
      noBody,
    };
    const index = this.declared.push(entry) - 1;
    if (given.body === null || (api.role === 'case' && framework !== 'node-test')) return;
    const group: Group = {};
    const inner: Context = {
      ...context,
      path,
      dynamic: dynamic && !parametrised,
      parametrised,
      loop: false,
      group,
      // A suite's body runs later, from the runner: what led to the suite is on no stack then.
      lastOwnCall: api.role === 'suite' ? null : context.lastOwnCall,
      inTest: api.role === 'case',
      following: [...context.following, given.body.node],
    };
    const { skip: _outer, ...rest } = inner;
    if (!context.following.includes(given.body.node))
      this.#body(given.body, null, call, skip === undefined ? rest : { ...rest, skip }, api.role === 'case');
    if (group.skip === undefined) return;
    for (let i = index + 1; i < this.declared.length; i += 1) {
      const later = this.declared[i];
      if (later !== undefined) this.declared[i] = { ...later, skip: later.skip ?? group.skip };
    }
  }

  /** What the runner's report will say, where that is not the place of the declaration itself. */
  #declared(call: ts.CallExpression, context: Context): NonNullable<Declared['reportedAt']> | null {
    if (context.site === null) return null;
    const { module } = context.scope;
    const here = callPlace(call, module.source, module.path);
    const wanted = callPlace(context.site.call, this.#module.source, this.#module.path);
    if (module === this.#module) return here.line === wanted.line ? null : { file: module.path, line: here.line };
    const framework = apiFramework(call, context, this.#evaluator) ?? this.#defaultFramework;
    // node:test names the line that calls `test`; the others the innermost line of the test file on the way there.
    if (framework === 'node-test') return { file: module.path, line: here.line };
    if (context.lastOwnCall === null) return { file: this.#module.path, line: null };
    const own = callPlace(context.lastOwnCall, this.#module.source, this.#module.path);
    return own.line === wanted.line ? null : { file: this.#module.path, line: own.line };
  }
}

const apiFramework = (call: ts.CallExpression, context: Context, evaluator: Evaluator): Framework | null =>
  apiOf(call.expression, context.scope, evaluator)?.framework ?? null;

function functionTitle(given: Given): string {
  const node = given.body?.node;
  return node !== undefined &&
    !compiler().isArrowFunction(node) &&
    node.name !== undefined &&
    compiler().isIdentifier(node.name)
    ? node.name.text
    : '<anonymous>';
}

/** A plain mark beats one that depends on a condition. */
function firmest(...marks: readonly (SkipMark | undefined)[]): SkipMark | undefined {
  return marks.find((mark) => mark !== undefined && mark !== 'conditional') ?? marks.find((mark) => mark !== undefined);
}

/** A test's own firm mark stands; else what surrounds it counts. */
const inherited = (own: SkipMark | undefined, outer: SkipMark | undefined): SkipMark | undefined => firmest(own, outer);

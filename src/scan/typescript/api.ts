/**
 * What an expression is among the functions of a test framework: `it`, `describe.skip`, `test.each`, under whatever name it goes.
 */
import type { ts } from 'ts-morph';
import type { Framework, SkipMark } from '../../model/index.js';
import { bare, compiler } from './compiler.js';
import type { Evaluator } from './evaluate.js';
import type { Resolved } from './resolve.js';
import type { Scope } from './scope.js';

export interface Api {
  /** Null for a global: the file's surroundings decide (frameworks.ts). */
  readonly framework: Framework | null;
  readonly role: 'suite' | 'case' | 'hook' | 'namespace' | 'context';
  readonly skip?: SkipMark;
  readonly focused?: boolean;
  /** One declaration gives several tests. */
  readonly parametrised?: boolean;
  /**
   * The next call is not yet the declaration: `each` awaits its table, `conditional` its condition, `factory` its settings.
   * `maybe` is a member that this tool does not know: a call with a title declares, any other gives such a function.
   */
  readonly pending?: 'each' | 'conditional' | 'factory' | 'maybe';
  /** True when the name stands for the framework's function for sure (imported), not just by being called `it`. */
  readonly certain: boolean;
}

const PACKAGES: Readonly<Record<string, Framework>> = {
  vitest: 'vitest',
  '@effect/vitest': 'vitest',
  '@fast-check/vitest': 'vitest',
  '@jest/globals': 'jest',
  mocha: 'mocha',
  'node:test': 'node-test',
  '@playwright/test': 'playwright',
  'playwright/test': 'playwright',
  'bun:test': 'bun',
};

/** The framework that a package belongs to, or null. */
export const frameworkOfPackage = (specifier: string): Framework | null =>
  Object.hasOwn(PACKAGES, specifier) ? (PACKAGES[specifier] ?? null) : null;

const NAMES: Readonly<Record<string, Omit<Api, 'framework' | 'certain'>>> = {
  describe: { role: 'suite' },
  suite: { role: 'suite' },
  context: { role: 'suite' },
  fdescribe: { role: 'suite', focused: true },
  xdescribe: { role: 'suite', skip: 'skip' },
  xcontext: { role: 'suite', skip: 'skip' },
  it: { role: 'case' },
  test: { role: 'case' },
  specify: { role: 'case' },
  fit: { role: 'case', focused: true },
  xit: { role: 'case', skip: 'skip' },
  xtest: { role: 'case', skip: 'skip' },
  xspecify: { role: 'case', skip: 'skip' },
};

/** Names under which frameworks hand out what declares tests and suites. */
export const isTestName = (name: string): boolean => Object.hasOwn(NAMES, name);

/** Members and exports that declare no test, whatever they are given. */
const HOOKS: ReadonlySet<string> = new Set([
  'before',
  'after',
  'beforeEach',
  'afterEach',
  'beforeAll',
  'afterAll',
  'setup',
  'teardown',
  'suiteSetup',
  'suiteTeardown',
  'aroundEach',
  'aroundAll',
  'use',
  'step',
  'info',
  'expect',
  'setTimeout',
  'configure',
  'slow',
  'override',
  'scoped',
  'mock',
  'assert',
  'timeout',
  'retries',
  'run',
  'onTestFinished',
  'onTestFailed',
]);

function named(framework: Framework | null, name: string, certain: boolean): Api | null {
  const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  if (known !== undefined) return { framework, certain, ...known };
  return HOOKS.has(name) && certain ? { framework, certain, role: 'hook' } : null;
}

function ofPackage(specifier: string, name: string): Api | null {
  const framework = frameworkOfPackage(specifier);
  if (framework !== null) {
    if (name === '*') return { framework, certain: true, role: 'namespace' };
    // The default export of node:test is `test` and holds the others.
    if (name === 'default')
      return framework === 'node-test'
        ? { framework, certain: true, role: 'case' }
        : { framework, certain: true, role: 'namespace' };
    return name.split('.').reduce<Api | null>((api, part) => (api === null ? null : member(api, part)), {
      framework,
      certain: true,
      role: 'namespace',
    });
  }
  // A package that wraps a framework: its `test` declares tests as far as anybody can see.
  return specifier.startsWith('node:') ? null : named(null, name, false);
}

/** `api.name`. Null when that is nothing of a framework. */
export function member(api: Api, name: string): Api | null {
  if (api.role === 'hook') return api;
  if (api.role === 'namespace') return named(api.framework, name, true);
  if (api.role === 'context') return name === 'test' ? { framework: api.framework, certain: true, role: 'case' } : null;
  if (name === 'describe' || name === 'suite' || name === 'context') return { ...api, role: 'suite' };
  if (name === 'it' || name === 'test') return { ...api, role: 'case' };
  switch (name) {
    case 'skip':
    case 'fixme':
      return { ...api, skip: 'skip' };
    case 'todo':
      return { ...api, skip: 'todo' };
    case 'only':
      return { ...api, focused: true };
    case 'each':
    case 'for':
      return { ...api, pending: 'each' };
    case 'skipIf':
    case 'runIf':
      return { ...api, pending: 'conditional' };
    case 'extend':
      return { ...api, pending: 'factory' };
    case 'concurrent':
    case 'sequential':
    case 'shuffle':
    case 'serial':
    case 'parallel':
    case 'fails':
    case 'failing':
    case 'fail':
      return api;
    default:
      return HOOKS.has(name) ? { ...api, role: 'hook' } : { ...api, pending: 'maybe' };
  }
}

/** What calling `api` gives when that call does not declare a test. */
export function called(api: Api): Api | null {
  const { pending, ...rest } = api;
  if (pending === 'each') return { ...rest, parametrised: true };
  if (pending === 'conditional') return { ...rest, skip: rest.skip ?? 'conditional' };
  // fast-check's `test.prop([…])` runs its body many times but reports once.
  return pending === 'factory' || pending === 'maybe' ? rest : null;
}

/** One of two: what both agree on, skipped under a condition where they differ in that. */
function either(left: Api | null, right: Api | null): Api | null {
  const one = left ?? right;
  if (one === null) return null;
  if (left === null || right === null) return { ...one, skip: one.skip ?? 'conditional' };
  if (left.role !== right.role) return null;
  const { skip: _skip, focused: _focused, ...base } = left;
  const skip: SkipMark | undefined = left.skip === right.skip ? left.skip : 'conditional';
  return {
    ...base,
    ...(skip === undefined ? {} : { skip }),
    ...(left.focused === true || right.focused === true ? { focused: true } : {}),
  };
}

const MAX_DEPTH = 30;

/** The framework function that an expression is; null when it is none. */
export function apiOf(expression: ts.Expression, scope: Scope, evaluator: Evaluator, depth = 0): Api | null {
  const ts = compiler();
  if (depth > MAX_DEPTH) return null;
  const node = bare(expression);
  if (ts.isIdentifier(node)) return ofResolved(evaluator.resolve(scope, node.text), node.text, evaluator, depth);
  if (ts.isPropertyAccessExpression(node)) {
    const base = apiOf(node.expression, scope, evaluator, depth + 1);
    if (base !== null) return member(base, node.name.text);
    return ofFollowed(node, scope, evaluator, depth);
  }
  if (ts.isCallExpression(node)) {
    const base = apiOf(node.expression, scope, evaluator, depth + 1);
    return base === null ? null : called(base);
  }
  if (ts.isTaggedTemplateExpression(node)) {
    const base = apiOf(node.tag, scope, evaluator, depth + 1);
    return base === null ? null : called(base);
  }
  if (ts.isConditionalExpression(node))
    return either(
      apiOf(node.whenTrue, scope, evaluator, depth + 1),
      apiOf(node.whenFalse, scope, evaluator, depth + 1),
    );
  if (
    ts.isBinaryExpression(node) &&
    (node.operatorToken.kind === ts.SyntaxKind.BarBarToken ||
      node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken)
  )
    return either(apiOf(node.left, scope, evaluator, depth + 1), apiOf(node.right, scope, evaluator, depth + 1));
  return null;
}

/** `helpers.test`, `api.it`: members of project modules and constant objects. */
function ofFollowed(node: ts.Expression, scope: Scope, evaluator: Evaluator, depth: number): Api | null {
  const target = evaluator.follow({ expression: node, scope });
  if (target === null) return null;
  if ('expression' in target)
    return target.expression === node ? null : apiOf(target.expression, target.scope, evaluator, depth + 1);
  return target.kind === 'package' ? ofPackage(target.specifier, target.name) : null;
}

function ofResolved(resolved: Resolved, name: string, evaluator: Evaluator, depth: number): Api | null {
  switch (resolved.kind) {
    case 'global':
      // `Deno.test` needs no import.
      return name === 'Deno' ? { framework: 'deno', certain: true, role: 'namespace' } : named(null, name, false);
    case 'package':
      return ofPackage(resolved.specifier, resolved.name);
    case 'expression':
      return apiOf(resolved.reference.expression, resolved.reference.scope, evaluator, depth + 1);
    case 'module':
    case 'unknown':
      return null;
    case 'declared':
      break;
  }
  const { binding, scope } = resolved;
  if (binding.kind === 'context') return { framework: 'node-test', certain: true, role: 'context' };
  if (binding.kind !== 'const' && binding.kind !== 'argument') return null;
  if (binding.members === null) return null;
  const start = binding.kind === 'const' ? { expression: binding.initializer, scope } : binding.value;
  let api = apiOf(start.expression, start.scope, evaluator, depth + 1);
  for (const part of binding.members) api = api === null ? null : member(api, part);
  return api;
}

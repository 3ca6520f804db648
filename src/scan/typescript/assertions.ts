/**
 * What counts as an assertion, by its name and shape. Names decide, since nothing is executed and packages are not read.
 */
import type { ts } from 'ts-morph';
import { bare, compiler } from './compiler.js';

export type Reach = 'yes' | 'no' | 'unknown';

const ASSERTING = /^(?:assert|expect|should)/iu;
/** May assert, may not: such a call makes the answer unknown. */
const MAYBE_ASSERTING = /^(?:check|verify|ensure|must|validate|shall|match|compare)(?=[A-Z_\d]|$)/u;
const FAILING: ReadonlySet<string> = new Set(['fail', 'plan', 'assertions', 'hasAssertions']);
/** Members of a test's context that assert nothing. */
const CONTEXT_MEMBERS: ReadonlySet<string> = new Set([
  'test',
  'skip',
  'todo',
  'diagnostic',
  'mock',
  'after',
  'before',
  'beforeEach',
  'afterEach',
  'runOnly',
  'name',
  'signal',
  'task',
  'annotate',
  'onTestFinished',
  'onTestFailed',
  'timeout',
  'retries',
  'slow',
  'log',
  'setTimeout',
  'info',
  'attach',
  'step',
]);
const CHAI_WORDS: ReadonlySet<string> = new Set(['to', 'be', 'not', 'is', 'have', 'deep', 'does', 'eventually']);
const TEST_PACKAGE =
  /assert|expect|chai|should|test|spec|vitest|jest|sinon|nock|cypress|playwright|\btap\b|mocha|jasmine|qunit|fast-check|pactum|frisby|check/iu;

/** A package whose functions may assert. */
export const isTestingPackage = (specifier: string): boolean => TEST_PACKAGE.test(specifier);

/** Names along a callee from its root: `expect(x).not.toBe` is `['expect', 'not', 'toBe']`; calls between are passed over. */
export function calleeNames(expression: ts.Expression): readonly string[] {
  const ts = compiler();
  const names: string[] = [];
  let node = bare(expression);
  for (;;) {
    if (ts.isPropertyAccessExpression(node)) {
      names.unshift(node.name.text);
      node = bare(node.expression);
    } else if (ts.isElementAccessExpression(node) || ts.isCallExpression(node)) node = bare(node.expression);
    else break;
  }
  if (ts.isIdentifier(node)) names.unshift(node.text);
  else if (node.kind === ts.SyntaxKind.ThisKeyword) names.unshift('this');
  else names.unshift('');
  return names;
}

/** Whether a call asserts by its names alone. `contextName` is the first parameter of the test's function. */
export function callAsserts(call: ts.CallExpression, contextName: string | null, isStatement: boolean): Reach {
  const ts = compiler();
  const names = calleeNames(call.expression);
  const [root = '', ...members] = names;
  // `expect(value);` alone checks nothing.
  if (root.startsWith('expect') && members.length === 0)
    return isStatement && root === 'expect' ? 'no' : root === 'expect' ? 'unknown' : 'yes';
  if (ASSERTING.test(root) || members.some((name) => ASSERTING.test(name) || name === 'should')) return 'yes';
  const last = names.at(-1) ?? '';
  if (FAILING.has(last) && (members.length === 0 || root === contextName || /^(?:expect|assert|t|test)$/u.test(root)))
    return 'yes';
  if (contextName !== null && root === contextName && members.length > 0 && !CONTEXT_MEMBERS.has(members[0] ?? ''))
    return 'yes';
  // `done(error)` ends a mocha or jest test with a failure.
  if (root === 'done' && members.length === 0 && call.arguments.length > 0) return 'yes';
  if (MAYBE_ASSERTING.test(last) && !ts.isIdentifier(bare(call.expression))) return 'unknown';
  return 'no';
}

/** chai's assertions without a call: `expect(x).to.be.true`, `value.should.exist`. */
export function propertyAsserts(node: ts.PropertyAccessExpression): boolean {
  const [root = '', ...members] = calleeNames(node);
  if (members.includes('should')) return true;
  return root === 'expect' && members.some((name) => CHAI_WORDS.has(name)) && members.length > 1;
}

export const mayAssertByName = (name: string): boolean => MAYBE_ASSERTING.test(name);

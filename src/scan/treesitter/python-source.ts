/**
 * Small readings of Python source: docstrings, parameters, skips inside bodies.
 */
import type { SkipMark } from '../../model/index.js';
import { bodyOf } from './python-classes.js';
import type { PythonNames } from './python-names.js';
import { strongest } from './skip.js';
import type { Syntax } from './syntax.js';

/** The docstring of a module or block: its first statement, when that is one plain string. */
export function docstringOf(body: Syntax | null): { readonly statement: Syntax; readonly text: Syntax } | null {
  const first = body?.children.find((child) => child.type !== 'comment');
  if (first?.type !== 'expression_statement' || first.children.length !== 1) return null;
  const text = first.children[0];
  if (text?.type !== 'string' && text?.type !== 'concatenated_string') return null;
  const start = text.type === 'string' ? text : text.child('string');
  return /[fb]/iu.test(start?.child('string_start')?.text ?? '') ? null : { statement: first, text };
}

/** Names of a function's parameters without `self` and `cls`. */
export function parametersOf(node: Syntax): ReadonlySet<string> {
  const names = (node.field('parameters')?.named ?? []).map(
    (parameter) =>
      (parameter.type === 'identifier' ? parameter : (parameter.field('name') ?? parameter.child('identifier')))
        ?.text ?? '',
  );
  return new Set(names.filter((name) => name !== '' && name !== 'self' && name !== 'cls'));
}

const SKIP_CALLS = new Set(['pytest.skip', 'self.skipTest', 'unittest.SkipTest', 'pytest.skip.Exception']);

/** The call that a statement consists of. */
const callIn = (statement: Syntax): Syntax | null =>
  statement.type === 'expression_statement' || statement.type === 'raise_statement'
    ? (statement.child('call') ?? statement.child('assignment')?.child('call') ?? null)
    : null;

const calledName = (statement: Syntax, names: PythonNames): string | null => {
  const called = callIn(statement)?.field('function');
  return called === null || called === undefined ? null : names.dotted(called);
};

/** `pytest.skip()` in a test's body: `skip` when nothing guards it, else `conditional`. */
export function skipInBody(node: Syntax, names: PythonNames): SkipMark | null {
  const body = bodyOf(node);
  if (body.some((statement) => SKIP_CALLS.has(calledName(statement, names) ?? ''))) return 'skip';
  return (node.field('body')?.descendants('call') ?? []).some((call) => {
    const called = call.field('function');
    return (
      called !== null && (SKIP_CALLS.has(names.dotted(called) ?? '') || names.dotted(called) === 'pytest.importorskip')
    );
  })
    ? 'conditional'
    : null;
}

/** What a module does to all its tests when it is imported: `pytest.skip(allow_module_level=True)`, `pytest.importorskip`. */
export function skipOfModule(module: Syntax, names: PythonNames): SkipMark | null {
  return strongest(
    ...module.children.map((statement): SkipMark | null => {
      const name = calledName(statement, names);
      if (name === 'pytest.importorskip') return 'conditional';
      if (name !== null && SKIP_CALLS.has(name)) return 'skip';
      if (statement.type !== 'if_statement' && statement.type !== 'try_statement') return null;
      return statement
        .descendants('expression_statement', 'raise_statement')
        .some((inner) => isModuleSkip(inner, names))
        ? 'conditional'
        : null;
    }),
  );
}

const isModuleSkip = (statement: Syntax, names: PythonNames): boolean => {
  const name = calledName(statement, names);
  return name === 'pytest.skip' || name === 'unittest.SkipTest';
};

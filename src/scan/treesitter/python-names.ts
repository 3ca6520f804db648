/**
 * Names in Python source: what an expression like `pt.mark.skip` means after the file's imports and simple assignments, and
 * what the marks (decorators, `pytestmark`) of a test say.
 */
import type { SkipMark } from '../../model/index.js';
import { strongest } from './skip.js';
import type { Syntax } from './syntax.js';

/** A mark or decorator: its full dotted name, and its arguments when it is called. */
export interface Mark {
  readonly node: Syntax;
  readonly name: string;
  readonly args: Syntax | null;
}

export class PythonNames {
  readonly #imports = new Map<string, string>();
  /** Module-level `slow = pytest.mark.skipif(…)`. */
  readonly #values = new Map<string, Syntax>();

  constructor(module: Syntax) {
    for (const node of module.descendants('import_statement', 'import_from_statement')) this.#import(node);
    for (const statement of module.children) {
      const assignment = statement.type === 'expression_statement' ? statement.child('assignment') : null;
      const left = assignment?.field('left');
      const right = assignment?.field('right');
      if (left?.type === 'identifier' && right !== null && right !== undefined) this.#values.set(left.text, right);
    }
  }

  /** The dotted name of an expression with imports resolved; null for anything but names and attributes. */
  dotted(expression: Syntax): string | null {
    if (expression.type === 'identifier') return this.#imports.get(expression.text) ?? expression.text;
    if (expression.type !== 'attribute') return null;
    const object = expression.field('object');
    const base = object === null ? null : this.dotted(object);
    return base === null ? null : `${base}.${expression.field('attribute')?.text ?? ''}`;
  }

  /** The marks of an expression: itself, its elements when it is a list, and what a name in it was assigned. */
  marksIn(expression: Syntax, depth = 0): readonly Mark[] {
    if (depth > 8) return [];
    if (['list', 'tuple', 'parenthesized_expression'].includes(expression.type))
      return expression.named.flatMap((element) => this.marksIn(element, depth + 1));
    const value = expression.type === 'identifier' ? this.#values.get(expression.text) : undefined;
    if (value !== undefined) return this.marksIn(value, depth + 1);
    if (expression.type === 'call') {
      const called = expression.field('function');
      const name = called === null ? null : this.dotted(called);
      if (name !== null) return [{ node: expression, name, args: expression.field('arguments') }];
      return [];
    }
    const name = this.dotted(expression);
    return name === null ? [] : [{ node: expression, name, args: null }];
  }

  #import(node: Syntax): void {
    const from = node.type === 'import_from_statement' ? (node.field('module_name')?.text ?? '') : null;
    for (const child of node.named) {
      if (child.type === 'aliased_import') {
        const name = child.field('name')?.text ?? '';
        this.#imports.set(child.field('alias')?.text ?? '', from === null ? name : `${from}.${name}`);
      } else if (child.type === 'dotted_name' && from !== null && child.start !== node.field('module_name')?.start) {
        this.#imports.set(child.text, `${from}.${child.text}`);
      }
    }
  }
}

/** The value of a constant string, also of several that stand together; null for f-strings and anything else. */
export function stringValue(node: Syntax): string | null {
  if (node.type === 'concatenated_string') {
    const parts = node.childrenOf('string').map(stringValue);
    return parts.includes(null) ? null : parts.join('');
  }
  if (node.type !== 'string' || node.child('interpolation') !== null) return null;
  const raw = /r/iu.test(node.child('string_start')?.text ?? '');
  return node
    .childrenOf('string_content')
    .map((content) => (raw ? content.text : content.text.replace(/\\(["'\\])/gu, '$1')))
    .join('');
}

/** Positional arguments of a mark that are constant strings. */
export const stringArguments = (mark: Mark): readonly { readonly value: string; readonly node: Syntax }[] =>
  (mark.args?.named ?? []).flatMap((node) => {
    const value = stringValue(node);
    return value === null ? [] : [{ value, node }];
  });

export const isVerifiesMark = (mark: Mark): boolean => mark.name === 'pytest.mark.verifies';
export const isParametrize = (mark: Mark): boolean => mark.name === 'pytest.mark.parametrize';

/** `xfail` and `expectedFailure` are `todo`: such a test is expected not to pass, so it cannot verify. */
const SKIPS: Readonly<Record<string, SkipMark>> = {
  'pytest.mark.skip': 'skip',
  'pytest.mark.skipif': 'conditional',
  'unittest.skip': 'skip',
  'unittest.skipIf': 'conditional',
  'unittest.skipUnless': 'conditional',
  'unittest.expectedFailure': 'todo',
};

export function skipOf(marks: readonly Mark[]): SkipMark | null {
  return strongest(
    ...marks.map((mark) => {
      if (mark.name !== 'pytest.mark.xfail') return SKIPS[mark.name] ?? null;
      const positional = (mark.args?.named ?? []).filter(
        (node) => node.type !== 'keyword_argument' && node.type !== 'comment',
      );
      return positional.length > 0 || /\bcondition\s*=/u.test(mark.args?.text ?? '') ? 'conditional' : 'todo';
    }),
  );
}

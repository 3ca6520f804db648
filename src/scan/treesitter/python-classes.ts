/**
 * Definitions of a Python file and how its classes hang together, as far as the file itself tells.
 */
import type { Condition } from '../../model/index.js';
import { under } from '../conditions.js';
import { isVerifiesMark, type Mark, type PythonNames } from './python-names.js';
import type { Syntax } from './syntax.js';

/** A `def` or `class` with its decorators. */
export interface Definition {
  readonly node: Syntax;
  /** The definition with its decorators. */
  readonly outer: Syntax;
  readonly name: string;
  readonly marks: readonly Mark[];
  /** What it stands below (`if`, a loop, `try`): it may not exist. */
  readonly condition: Condition | null;
}

export interface ClassDefinition extends Definition {
  readonly functions: readonly Definition[];
  readonly classes: readonly ClassDefinition[];
  /** Dotted names of the base classes, imports resolved. */
  readonly bases: readonly string[];
  /** Names assigned in the class body, with their values. */
  readonly assigned: ReadonlyMap<string, Syntax>;
}

/** The body of a module, class or function. */
export const bodyOf = (node: Syntax): readonly Syntax[] =>
  node.type === 'module' ? node.children : (node.field('body')?.children ?? []);

const CLAUSES = new Set(['elif_clause', 'else_clause', 'case_clause', 'except_clause', 'except_group_clause']);
const BRANCHES = new Set(['if_statement', 'for_statement', 'while_statement', 'try_statement', ...CLAUSES]);
const WRAPPERS = new Set(['match_statement', 'finally_clause', 'with_statement', 'block', 'ERROR']);

/** Definitions directly in a body, also those below `if`, `try` and `with`. */
export function definitionsIn(
  children: readonly Syntax[],
  names: PythonNames,
  condition: Condition | null = null,
): readonly Definition[] {
  return children.flatMap((node): readonly Definition[] => {
    if (node.type === 'function_definition' || node.type === 'class_definition')
      return [definition(node, node, names, condition)];
    if (node.type === 'decorated_definition') {
      const inner = node.field('definition');
      return inner === null ? [] : [definition(inner, node, names, condition)];
    }
    if (!BRANCHES.has(node.type)) return WRAPPERS.has(node.type) ? definitionsIn(node.children, names, condition) : [];
    // A clause (`else`, `except`) stands beside the branch's own block, not below its condition.
    return node.children.flatMap((child) =>
      CLAUSES.has(child.type) || child.type === 'finally_clause'
        ? definitionsIn([child], names, condition)
        : definitionsIn([child], names, under(condition, headOf(node), node.line)),
    );
  });
}

/** `if sys.platform == "win32"`; of an `else` also what it is the other side of. */
function headOf(node: Syntax): string {
  const body = node.children.find((child) => child.type === 'block');
  const head = node.source.slice(node.start, body?.start ?? node.end).replace(/:\s*(?:#[^\n]*)?\s*$/u, '');
  return node.type === 'else_clause' && node.parent !== null ? `${head} of ${headOf(node.parent)}` : head;
}

function definition(node: Syntax, outer: Syntax, names: PythonNames, condition: Condition | null): Definition {
  const marks =
    outer === node
      ? []
      : outer
          .childrenOf('decorator')
          .flatMap((decorator) => decorator.named.flatMap((expression) => names.marksIn(expression)));
  return { node, outer, name: node.field('name')?.text ?? '', marks, condition };
}

export function classOf(found: Definition, names: PythonNames): ClassDefinition {
  const body = bodyOf(found.node);
  const inner = definitionsIn(body, names, found.condition);
  const bases = (found.node.field('superclasses')?.named ?? []).flatMap((base) => {
    // `Generic[T]` counts as `Generic`.
    const name = names.dotted(base.type === 'subscript' ? (base.field('value') ?? base) : base);
    return base.type === 'keyword_argument' || base.type === 'comment' ? [] : [name ?? '?'];
  });
  return {
    ...found,
    bases,
    assigned: assignmentsIn(body),
    functions: inner.filter((one) => one.node.type === 'function_definition'),
    classes: inner.filter((one) => one.node.type === 'class_definition').map((one) => classOf(one, names)),
  };
}

/** `name = value` statements directly in a body. */
export function assignmentsIn(children: readonly Syntax[]): ReadonlyMap<string, Syntax> {
  const found = new Map<string, Syntax>();
  for (const statement of children) {
    const assignment = statement.type === 'expression_statement' ? statement.child('assignment') : null;
    const left = assignment?.field('left');
    const right = assignment?.field('right');
    if (left?.type === 'identifier' && right !== null && right !== undefined) found.set(left.text, right);
  }
  return found;
}

/** The classes of a file by name, and what they take from each other. */
export class Classes {
  readonly #byName = new Map<string, ClassDefinition>();

  constructor(classes: readonly ClassDefinition[]) {
    for (const one of classes) this.#byName.set(one.name, one);
  }

  /** The class itself, then its base classes that this file defines, nearest first. */
  lineage(start: ClassDefinition): readonly ClassDefinition[] {
    const line: ClassDefinition[] = [];
    const visit = (one: ClassDefinition): void => {
      if (line.includes(one)) return;
      line.push(one);
      for (const base of one.bases) {
        const known = this.#byName.get(base);
        if (known !== undefined) visit(known);
      }
    };
    visit(start);
    return line;
  }

  /** True for a class that derives, as far as names tell, from `unittest.TestCase` or something called so. */
  isUnittest(one: ClassDefinition): boolean {
    return this.lineage(one).some((ancestor) => ancestor.bases.some((base) => base.endsWith('TestCase')));
  }

  /** `__test__ = False`, own or inherited. */
  isSwitchedOff(one: ClassDefinition): boolean {
    for (const ancestor of this.lineage(one)) {
      const value = ancestor.assigned.get('__test__');
      if (value !== undefined) return value.type === 'false';
    }
    return false;
  }

  /** pytest does not collect a plain class that has a constructor. */
  hasConstructor(one: ClassDefinition): boolean {
    return this.lineage(one).some((ancestor) =>
      ancestor.functions.some((method) => method.name === '__init__' || method.name === '__new__'),
    );
  }

  /** Own methods, then inherited ones that nothing nearer overrides. */
  methods(one: ClassDefinition): readonly { readonly method: Definition; readonly from: ClassDefinition }[] {
    const taken = new Set<string>();
    return this.lineage(one).flatMap((ancestor) => {
      const given = ancestor.functions
        .filter((method) => !taken.has(method.name))
        .map((method) => ({ method, from: ancestor }));
      for (const method of ancestor.functions) taken.add(method.name);
      for (const name of ancestor.assigned.keys()) taken.add(name);
      return given;
    });
  }
}

/** The marks of a class and of its base classes here; `pytestmark` in the class body counts as well. */
export const marksOf = (classes: Classes, one: ClassDefinition, names: PythonNames): readonly Mark[] =>
  classes.lineage(one).flatMap((ancestor) => [...ancestor.marks, ...ownPytestmark(ancestor.assigned, names)]);

/** The marks of a `pytestmark` assignment. */
export function ownPytestmark(assigned: ReadonlyMap<string, Syntax>, names: PythonNames): readonly Mark[] {
  const value = assigned.get('pytestmark');
  return value === undefined ? [] : names.marksIn(value);
}

export const verifiesMarks = (marks: readonly Mark[]): readonly Mark[] => marks.filter(isVerifiesMark);

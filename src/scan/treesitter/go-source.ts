/**
 * Small readings of Go source: constants, subtests, skips, build constraints.
 */
import type { Condition, SkipMark } from '../../model/index.js';
import { under } from '../conditions.js';
import type { Syntax } from './syntax.js';

/** One `t.Run(title, func(t *testing.T) { … })`. */
export interface Subtest {
  readonly call: Syntax;
  readonly title: Syntax;
  /** The function literal's body; null when another function is handed over. */
  readonly body: Syntax | null;
  readonly parameter: string | null;
  /** In a loop or a closure: it may run several times, so its name is not its own. */
  readonly repeated: boolean;
  /** The `if`, `switch` or `select` that it is below. */
  readonly condition: Condition | null;
}

/** The name of a function's `*testing.T` (or `F`, `B`, `TB`) parameter. */
export function testParameter(node: Syntax): string | null {
  for (const parameter of node.field('parameters')?.childrenOf('parameter_declaration') ?? []) {
    if (/^\*?\s*(?:\w+\.)?(?:T|F|B|TB)$/u.test(parameter.field('type')?.text ?? ''))
      return parameter.field('name')?.text ?? null;
  }
  return null;
}

/** Constants with a string value that statements of one level declare; `known` are those around them. */
export function constantsIn(
  statements: readonly Syntax[],
  known: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const statement of statements) {
    if (statement.type !== 'const_declaration') continue;
    for (const spec of statement.childrenOf('const_spec')) {
      const names = spec.children.filter((child) => child.type === 'identifier');
      const values = spec.field('value')?.named ?? [];
      names.forEach((name, i) => {
        const value = values[i] === undefined ? null : constantText(values[i], new Map([...known, ...found]));
        if (value !== null) found.set(name.text, value);
      });
    }
  }
  return found;
}

/** The text of a constant string expression: literals, known constants, `+`. Null for anything that only a run knows. */
export function constantText(node: Syntax, constants: ReadonlyMap<string, string>): string | null {
  switch (node.type) {
    case 'interpreted_string_literal':
      return unquote(node.text);
    case 'raw_string_literal':
      return node.text.slice(1, -1).replaceAll('\r', '');
    case 'identifier':
      return constants.get(node.text) ?? null;
    case 'parenthesized_expression':
      return node.named[0] === undefined ? null : constantText(node.named[0], constants);
    case 'binary_expression': {
      if (node.child('+') === null) return null;
      const [left, right] = [node.field('left'), node.field('right')].map((side) =>
        side === null ? null : constantText(side, constants),
      );
      return left === null || left === undefined || right === null || right === undefined ? null : left + right;
    }
    default:
      return null;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '"': '"',
  '\\': '\\',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** The value of a quoted Go string; null when it holds bytes that are no text. */
function unquote(literal: string): string | null {
  let valid = true;
  const text = literal
    .slice(1, -1)
    .replace(
      /\\(?:([ntr"\\abfv])|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-7][0-9A-Fa-f])|([\s\S]))/gu,
      (_all, simple?: string, four?: string, eight?: string, ascii?: string) => {
        if (simple !== undefined) return ESCAPES[simple] ?? '';
        const code = Number.parseInt(four ?? eight ?? ascii ?? '', 16);
        if (Number.isNaN(code) || code > 0x10ffff) {
          valid = false;
          return '';
        }
        return String.fromCodePoint(code);
      },
    );
  return valid ? text : null;
}

const LOOPS = new Set(['for_statement', 'func_literal']);
const BRANCHES = new Set(['if_statement', 'expression_switch_statement', 'type_switch_statement', 'select_statement']);

/** Where the `{` of a branch is: what stands before it is the condition. */
const bodyStart = (node: Syntax): number => (node.field('consequence') ?? node.child('{'))?.start ?? node.end;

type Placed<T> = T & { readonly repeated: boolean; readonly condition: Condition | null };

/** The calls of one kind that a body makes itself, not those of its subtests, in source order, and what decides on each. */
export function callsIn<T>(body: Syntax, parameter: string, read: (call: Syntax) => T | null): readonly Placed<T>[] {
  const found: Placed<T>[] = [];
  const stack: { readonly node: Syntax; readonly repeated: boolean; readonly condition: Condition | null }[] = [
    { node: body, repeated: false, condition: null },
  ];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node } = next;
    const call = node.type === 'call_expression' ? read(node) : null;
    if (call !== null) {
      found.push({ ...call, repeated: next.repeated, condition: next.condition });
      continue;
    }
    if (node.type === 'call_expression' && subtestOf(node, parameter) !== null) continue;
    const repeated = next.repeated || LOOPS.has(node.type);
    const head = BRANCHES.has(node.type) ? node.source.slice(node.start, bodyStart(node)) : null;
    for (const child of node.children.toReversed()) {
      if (!child.isNamed) continue;
      const side = child.role === 'alternative' ? 'else of ' : '';
      const condition = head === null ? next.condition : under(next.condition, side + head, node.line);
      stack.push({ node: child, repeated, condition });
    }
  }
  return found;
}

/** The subtests that a body runs itself, not those of its subtests. */
export const subtestsIn = (body: Syntax, parameter: string | null): readonly Subtest[] =>
  parameter === null ? [] : callsIn(body, parameter, (call) => subtestOf(call, parameter));

/** A suite of testify gives its subtests no `t`: they use the suite itself. */
const suiteOf = (run: Syntax, parameter: string): string | null =>
  run.field('parameters')?.named.length === 0 ? parameter : null;

function subtestOf(call: Syntax, parameter: string): Pick<Subtest, 'call' | 'title' | 'body' | 'parameter'> | null {
  const called = call.field('function');
  if (
    called?.type !== 'selector_expression' ||
    called.field('field')?.text !== 'Run' ||
    called.field('operand')?.text !== parameter
  )
    return null;
  const [title, run] = (call.field('arguments')?.named ?? []).filter((argument) => argument.type !== 'comment');
  if (title === undefined || run === undefined) return null;
  return {
    call,
    title,
    body: run.type === 'func_literal' ? run.field('body') : null,
    parameter: run.type === 'func_literal' ? (testParameter(run) ?? suiteOf(run, parameter)) : null,
  };
}

/** `t.Skip` in a body: `skip` when nothing guards it, else `conditional`. Those of subtests are their own. */
export function skipsIn(body: Syntax, parameter: string | null): SkipMark | null {
  if (parameter === null) return null;
  let mark: SkipMark | null = null;
  const stack: { readonly node: Syntax; readonly guarded: boolean }[] = [{ node: body, guarded: false }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, guarded } = next;
    if (node.type === 'call_expression') {
      if (subtestOf(node, parameter) !== null) continue;
      const called = node.field('function');
      if (
        called?.type === 'selector_expression' &&
        called.field('operand')?.text === parameter &&
        /^Skip(?:f|Now)?$/u.test(called.field('field')?.text ?? '')
      ) {
        if (!guarded) return 'skip';
        mark = 'conditional';
      }
    }
    const inner = guarded || LOOPS.has(node.type) || BRANCHES.has(node.type) || node.type === 'defer_statement';
    for (const child of node.children) if (child.isNamed) stack.push({ node: child, guarded: inner });
  }
  return mark;
}

const SYSTEMS = 'aix|android|darwin|dragonfly|freebsd|illumos|ios|js|linux|netbsd|openbsd|plan9|solaris|wasip1|windows';
const MACHINES = '386|amd64|arm|arm64|loong64|mips|mips64|mips64le|mipsle|ppc64|ppc64le|riscv64|s390x|wasm';
const CONSTRAINED_NAME = new RegExp(`_(?:${SYSTEMS}|${MACHINES})_test\\.go$`, 'u');

/** What a file is built under: its name, and a `//go:build` line before the package clause. */
export function constraintOf(root: Syntax, file: string): Condition | null {
  const name = CONSTRAINED_NAME.exec(file)?.[0];
  let condition = name === undefined ? null : under(null, `a file name that ends in ${name}`, 1);
  for (const node of root.children) {
    if (node.type === 'package_clause') break;
    if (node.type === 'comment' && /^\/\/\s*(?:go:build|\+build)\s/u.test(node.text))
      condition = under(condition, node.text, node.line);
  }
  return condition;
}

/**
 * Whether the text of a comment is code of a language: which nodes only code gives. Prose must not: `if this is so:` is Python to
 * its parser, `use foo` nearly Rust, and every sentence is a command to a shell; so only what nobody writes as a sentence counts.
 */
import type { StartsCode } from '../commented.js';
import type { GrammarName } from './grammars.js';
import type { Syntax } from './syntax.js';

interface CodeRules {
  /** Declarations and statements that count where they have no syntax error. */
  readonly kinds: ReadonlySet<string>;
  /** What makes a whole declaration of a first line whose rest is gone. */
  readonly closers: readonly string[];
  /** What a declaration may need around it. */
  readonly frame?: readonly [before: string, after: string];
  /** Further statements, by a look at the node. */
  counts?(node: Syntax): boolean;
}

const BRACES = ['}', '})', '});'];

/** A call that is handed a function, or an assignment of a call's value. */
const callsWith = (node: Syntax, functions: string): boolean =>
  node.child('call_expression')?.field('arguments')?.child(functions) !== null;

const RULES: Readonly<Record<GrammarName, CodeRules>> = {
  python: {
    kinds: new Set(['function_definition', 'class_definition', 'decorated_definition', 'import_from_statement']),
    closers: ['\n    pass'],
    counts: (node) => node.type === 'expression_statement' && node.child('assignment')?.field('right')?.type === 'call',
  },
  rust: {
    kinds: new Set([
      'function_item',
      'mod_item',
      'struct_item',
      'enum_item',
      'impl_item',
      'trait_item',
      'use_declaration',
      'const_item',
      'static_item',
      'let_declaration',
      'macro_definition',
    ]),
    closers: BRACES,
    counts: (node) =>
      (node.type === 'macro_invocation' || node.type === 'expression_statement') &&
      (node.type === 'macro_invocation' ? node : node.child('macro_invocation'))
        ?.child('token_tree')
        ?.text.startsWith('{') === true,
  },
  go: {
    kinds: new Set([
      'function_declaration',
      'method_declaration',
      'type_declaration',
      'var_declaration',
      'const_declaration',
      'import_declaration',
      'short_var_declaration',
    ]),
    closers: BRACES,
    counts: (node) => node.type === 'expression_statement' && callsWith(node, 'func_literal'),
  },
  java: {
    kinds: new Set([
      'method_declaration',
      'class_declaration',
      'interface_declaration',
      'enum_declaration',
      'record_declaration',
      'import_declaration',
      'field_declaration',
    ]),
    closers: BRACES,
    frame: ['class Frame {', '\n}'],
  },
  bash: { kinds: new Set(['function_definition']), closers: BRACES },
};

/** @param parse reads a text with the grammar */
export function startsCode(grammar: GrammarName, parse: (text: string) => Syntax): StartsCode {
  const { kinds, closers, frame, counts } = RULES[grammar];
  const isCode = (text: string, offset: number): boolean => {
    let holder = parse(text);
    if (offset > 0) holder = holder.child('class_declaration')?.field('body') ?? holder;
    const first = holder.children.find((child) => child.start >= offset);
    if (first?.start !== offset || first.hasError) return false;
    return kinds.has(first.type) || counts?.(first) === true;
  };
  return (text) => {
    if (isCode(text, 0)) return true;
    const [before, after] = frame ?? ['', ''];
    if (frame !== undefined && isCode(before + text + after, before.length)) return true;
    const line = text.slice(0, text.indexOf('\n') === -1 ? text.length : text.indexOf('\n')).trimEnd();
    if (!/[:{]$/u.test(line)) return false;
    return closers.some((closer) => isCode(before + line + closer + after, before.length));
  };
}

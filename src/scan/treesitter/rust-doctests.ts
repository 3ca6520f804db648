/**
 * Doc tests: the fenced Rust blocks in the documentation of an item, named as rustdoc names them
 * (`src/lib.rs - Stack::push (line 12)`), except for the module path that the file itself stands for.
 */
import type { SkipMark } from '../../model/index.js';
import type { SourceText } from './source.js';
import type { Syntax } from './syntax.js';

/** One block. Lines are those of the file; `code` is what rustdoc compiles, without the marks of hidden lines. */
export interface DocTest {
  readonly line: number;
  readonly endLine: number;
  readonly column: number;
  readonly code: string;
  readonly skip: SkipMark | null;
  /** `run`: executed. `build`: only compiled, so it asserts nothing. `refuse`: must not compile. `panic`: must panic. */
  readonly expects: 'run' | 'build' | 'refuse' | 'panic';
}

interface DocLine {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

const FENCE = /^\s*(`{3,}|~{3,})\s*([^`]*?)\s*$/u;

/** The blocks that rustdoc tests in the doc comments of one item, in order. */
export function docTestsIn(comments: readonly Syntax[], source: SourceText): readonly DocTest[] {
  const found: DocTest[] = [];
  let open: { readonly fence: string; readonly info: string; readonly at: DocLine; readonly code: string[] } | null =
    null;
  for (const line of comments.flatMap((comment) => docLines(comment, source))) {
    const match = FENCE.exec(line.text);
    if (open === null) {
      if (match !== null) open = { fence: match[1] ?? '', info: match[2] ?? '', at: line, code: [] };
      continue;
    }
    const closes = match !== null && match[2] === '' && (match[1] ?? '').startsWith(open.fence);
    if (!closes) {
      open.code.push(line.text.replace(/^(\s*)#(?: |$)/u, '$1').replace(/^(\s*)##/u, '$1#'));
      continue;
    }
    const kind = kindOf(open.info);
    if (kind !== null)
      found.push({
        line: open.at.line,
        endLine: line.line,
        column: open.at.column,
        code: open.code.join('\n'),
        ...kind,
      });
    open = null;
  }
  return found;
}

/** Lines of a doc comment without its markers; empty for an ordinary comment. */
function docLines(comment: Syntax, source: SourceText): readonly DocLine[] {
  const doc = comment.field('doc');
  if (doc === null) return [];
  return doc.text
    .replace(/\n$/u, '')
    .split('\n')
    .map((text, i) => {
      const line = doc.line + i;
      const starred = comment.type === 'block_comment' && i > 0 ? text.replace(/^\s*\* ?/u, '') : text;
      const lineStart = i === 0 ? doc.start : (source.lineStarts[line - 1] ?? 0);
      return { text: starred.replace(/\r$/u, ''), line, column: source.columnOf(lineStart) };
    });
}

/** What rustdoc does with a block's info string; null for a block of another language. */
function kindOf(info: string): Pick<DocTest, 'skip' | 'expects'> | null {
  let rust = false;
  let other = false;
  let skip: SkipMark | null = null;
  let expects: DocTest['expects'] = 'run';
  for (const word of info.split(/[\s,]+/u)) {
    if (word === '' || /^edition\d+$/u.test(word) || /^E\d{4}$/u.test(word)) continue;
    else if (word === 'rust') rust = true;
    else if (word === 'ignore') skip = 'ignore';
    else if (word.startsWith('ignore-')) skip = 'conditional';
    else if (word === 'should_panic') expects = 'panic';
    else if (word === 'no_run') expects = 'build';
    else if (word === 'compile_fail') expects = 'refuse';
    else if (word === 'test_harness' || word === 'standalone_crate' || word === 'standalone') continue;
    else other = true;
  }
  return other && !rust ? null : { skip, expects };
}

/** Path of a doc test: a mark, the items around it, and its own name with the line, as in rustdoc's name. */
export function docTestPath(items: readonly string[], line: number): readonly string[] {
  const last = items.at(-1);
  return ['doctest', ...items.slice(0, -1), last === undefined ? `(line ${line})` : `${last} (line ${line})`];
}

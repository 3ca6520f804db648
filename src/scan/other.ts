/**
 * Files of languages without an analyser: comment tags only, and they bind to the file (contract, section 3).
 * A small lexer knows each family's comments and strings, so that a tag in a string does not count.
 */
import type { FoundFile, FoundLink, FoundTest } from '../model/index.js';
import type { Language } from './language.js';
import { mentionsTag, tagPosition, tagsIn } from './tags.js';

interface Family {
  readonly line: readonly string[];
  readonly block: readonly (readonly [string, string])[];
  /** Quotes with backslash escapes that end at the line's end at the latest, unless `multiline` names them. */
  readonly quotes: readonly string[];
  readonly multiline: readonly string[];
}

const C: Family = { line: ['//'], block: [['/*', '*/']], quotes: ['"', "'"], multiline: ['"""', '`'] };
const HASH: Family = { line: ['#'], block: [], quotes: ['"', "'"], multiline: ['"""', "'''", '`'] };
const DASH: Family = {
  line: ['--'],
  block: [
    ['/*', '*/'],
    ['{-', '-}'],
    ['--[[', ']]'],
  ],
  quotes: ['"', "'"],
  multiline: ['[['],
};
const MARKUP: Family = { line: [], block: [['<!--', '-->']], quotes: [], multiline: [] };
const STYLE: Family = { line: [], block: [['/*', '*/']], quotes: ['"', "'"], multiline: [] };
const LISP: Family = { line: [';'], block: [['#|', '|#']], quotes: [], multiline: ['"'] };
const PERCENT: Family = { line: ['%'], block: [['%{', '%}']], quotes: ['"'], multiline: [] };

const FAMILIES: Readonly<Record<string, Family>> = {
  '.c': C,
  '.h': C,
  '.cc': C,
  '.cpp': C,
  '.cxx': C,
  '.hpp': C,
  '.hh': C,
  '.m': C,
  '.mm': C,
  '.cs': C,
  '.kt': C,
  '.kts': C,
  '.swift': C,
  '.scala': C,
  '.dart': C,
  '.groovy': C,
  '.gradle': C,
  '.proto': C,
  '.zig': C,
  '.php': { ...C, line: ['//', '#'] },
  '.sol': C,
  '.v': C,
  '.scss': C,
  '.less': C,
  '.rb': HASH,
  '.rake': HASH,
  '.pl': HASH,
  '.pm': HASH,
  '.t': HASH,
  '.ps1': { ...HASH, block: [['<#', '#>']] },
  '.ex': HASH,
  '.exs': HASH,
  '.r': HASH,
  '.jl': HASH,
  '.nix': HASH,
  '.tf': { ...HASH, line: ['#', '//'], block: [['/*', '*/']] },
  '.hcl': HASH,
  '.cmake': HASH,
  '.mk': HASH,
  '.nim': HASH,
  '.cr': HASH,
  '.feature': HASH,
  '.robot': HASH,
  '.fish': HASH,
  '.tcl': HASH,
  '.sql': DASH,
  '.lua': DASH,
  '.hs': { ...DASH, multiline: [] },
  '.elm': DASH,
  '.adb': DASH,
  '.ads': DASH,
  '.vue': {
    ...C,
    block: [
      ['/*', '*/'],
      ['<!--', '-->'],
    ],
  },
  '.svelte': {
    ...C,
    block: [
      ['/*', '*/'],
      ['<!--', '-->'],
    ],
  },
  '.html': MARKUP,
  '.xml': MARKUP,
  '.css': STYLE,
  '.clj': LISP,
  '.cljs': LISP,
  '.el': LISP,
  '.scm': LISP,
  '.erl': PERCENT,
};
const NAMES: Readonly<Record<string, Family>> = {
  Makefile: HASH,
  Dockerfile: HASH,
  Rakefile: HASH,
  Justfile: HASH,
  justfile: HASH,
  'CMakeLists.txt': HASH,
};

function familyOf(file: string): Family | null {
  const name = file.slice(file.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return (
    (Object.hasOwn(NAMES, name) ? NAMES[name] : undefined) ??
    (dot <= 0 ? null : (FAMILIES[name.slice(dot).toLowerCase()] ?? null))
  );
}

/** Start and end of every comment. */
export function* commentsIn(text: string, family: Family): Generator<{ readonly start: number; readonly end: number }> {
  let at = 0;
  const upTo = (end: string, from: number): number => {
    const found = text.indexOf(end, from);
    return found === -1 ? text.length : found + end.length;
  };
  while (at < text.length) {
    const block = family.block.find(([open]) => text.startsWith(open, at));
    if (block !== undefined) {
      const end = upTo(block[1], at + block[0].length);
      yield { start: at, end };
      at = end;
      continue;
    }
    if (family.line.some((open) => text.startsWith(open, at))) {
      const found = text.indexOf('\n', at);
      const end = found === -1 ? text.length : found;
      yield { start: at, end };
      at = end;
      continue;
    }
    const long = family.multiline.find((quote) => text.startsWith(quote, at));
    if (long !== undefined) {
      at = upTo(long === '[[' ? ']]' : long, at + long.length);
      continue;
    }
    const character = text.charAt(at);
    at = family.quotes.includes(character) ? endOfString(text, at, character) : at + 1;
  }
}

/** Where a one-line string ends; a quote that is not closed on its line (an apostrophe in prose) is only a character. */
function endOfString(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '\n') return start + 1;
    if (character === '\\') at += 1;
    else if (character === quote) return at + 1;
  }
  return start + 1;
}

async function find(file: string, bytes: Buffer): Promise<FoundFile> {
  const text = bytes.toString('utf8');
  const family = familyOf(file);
  const links: FoundLink[] = [];
  for (const comment of family === null ? [] : commentsIn(text, family)) {
    const before = text.slice(0, comment.start);
    const start = { line: before.split('\n').length, column: comment.start - before.lastIndexOf('\n') };
    for (const tag of tagsIn(text.slice(comment.start, comment.end)))
      links.push({
        file,
        ...tagPosition(tag, start),
        relation: tag.relation,
        target: tag.id,
        source: 'comment',
        binds: { kind: 'file' },
      });
  }
  const whole: FoundTest = {
    file,
    line: 1,
    column: 1,
    language: 'other',
    framework: 'file',
    kind: 'file',
    path: [],
    selector: file,
    endLine: text.split('\n').length,
    dynamic: false,
    parametrised: false,
    fingerprint: '',
  };
  return {
    file,
    language: 'other',
    tests: links.some((link) => link.relation === 'verifies') ? [whole] : [],
    links,
    symbols: [],
    problems: [],
  };
}

export const other: Language = {
  name: 'other',
  extensions: Object.keys(FAMILIES),
  names: Object.keys(NAMES),
  mentions: mentionsTag,
  mayHoldTests: () => false,
  find,
};

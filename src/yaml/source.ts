/**
 * Text → YAML nodes with positions, with everything refused that a hostile or careless file could do to its reader:
 * other encodings, several documents, directives, custom tags, boundless aliases, nesting that would exhaust the stack.
 */
import * as yaml from 'yaml';
import type { Failure, FailureKind, Json } from '../model/index.js';
import { lineAt, lineStarts } from '../util/lines.js';
import { decodeUtf8 } from './encoding.js';

/** Other files of this room take the package from here. */
export { yaml };

export type YamlNode = yaml.Node;
export type YamlMap = yaml.YAMLMap<YamlNode, YamlNode | null>;
export type YamlPair = yaml.Pair<YamlNode, YamlNode | null>;
export type YamlSequence = yaml.YAMLSeq<YamlNode>;

/** Limits that errors name; docs/spec-files.md lists them. */
export const YAML_LIMITS = { bytes: 8 * 1024 * 1024, depth: 64, aliases: 100 } as const;

/** One parsed file. `kind` is what its failures are called. */
export interface YamlSource {
  readonly file: string;
  readonly text: string;
  readonly kind: FailureKind;
  readonly document: yaml.Document.Parsed;
  /** Null for an empty file. */
  readonly root: YamlNode | null;
  /** Line and column of a character offset, both from 1. */
  at(offset: number): { readonly line: number; readonly column: number };
  fail(offset: number, message: string, hint?: string): Failure;
}

export type YamlParse =
  | { readonly ok: true; readonly source: YamlSource }
  | { readonly ok: false; readonly failures: readonly Failure[] };

const HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Indent with spaces.',
  BAD_INDENT: 'Give all keys of one mapping the same indentation.',
  MISSING_CHAR: 'Close the quote, bracket or brace, or add the missing colon.',
  BAD_DQ_ESCAPE: 'Write a backslash as \\\\ or use single quotes.',
  BLOCK_AS_IMPLICIT_KEY: 'Quote a value that contains ": ".',
  BAD_SCALAR_START: 'Quote a value that starts with @, ` or another reserved character.',
  MULTILINE_IMPLICIT_KEY: 'Quote the value, or close what was opened on an earlier line.',
  BAD_ALIAS: 'Define the anchor before its alias, or quote a value that starts with *.',
};

/** Decodes and parses one YAML file. Never throws, whatever the bytes are. */
export function parseYaml(input: string | Uint8Array, file: string, kind: FailureKind): YamlParse {
  const refuse = (message: string, hint: string, line = 1, column = 1): YamlParse => ({
    ok: false,
    failures: [{ kind, message, hint, file, line, column }],
  });
  if (input.length > YAML_LIMITS.bytes)
    return refuse(`The file is larger than ${YAML_LIMITS.bytes} bytes.`, 'Split it into several files.');
  let text: string;
  if (typeof input === 'string') text = input;
  else {
    const decoded = decodeUtf8(input, file, kind);
    if (!decoded.ok) return decoded;
    text = decoded.value;
  }
  const at = positions(text);
  const fail = (offset: number, message: string, hint?: string): Failure => ({
    kind,
    message,
    file,
    ...at(offset),
    ...(hint === undefined ? {} : { hint }),
  });
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\r(?!\n)/u.exec(text);
  if (control !== null) {
    const name = `U+${(control[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    return {
      ok: false,
      failures: [
        fail(
          control.index,
          `The control character ${name} may not stand in YAML.`,
          'Remove it, or write it as an escape in double quotes.',
        ),
      ],
    };
  }
  try {
    return compose(text, { file, text, kind, at, fail });
  } catch (error) {
    // The library is recursive; depth is bounded before it runs, so this is for what we did not foresee.
    return refuse(
      `The YAML cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      'Simplify the file.',
    );
  }
}

function compose(text: string, base: Omit<YamlSource, 'document' | 'root'>): YamlParse {
  const { Parser, Composer } = yaml;
  const tokens = withPlainEnvironment(() => [...new Parser().parse(text)]);
  const tooDeep = deeperThan(tokens, YAML_LIMITS.depth);
  if (tooDeep !== null)
    return {
      ok: false,
      failures: [base.fail(tooDeep, `Nesting is deeper than ${YAML_LIMITS.depth} levels.`, 'Flatten the structure.')],
    };
  for (const token of tokens) {
    if (token.type === 'directive')
      return {
        ok: false,
        failures: [base.fail(token.offset, 'YAML directives are not allowed.', 'Remove the line that starts with %.')],
      };
  }
  // Duplicate keys are found by the reader, in linear time and with a better message.
  const documents = [
    ...new Composer({
      schema: 'core',
      version: '1.2',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
      keepSourceTokens: false,
    }).compose(tokens, true, text.length),
  ];
  const [document, second] = documents;
  if (document === undefined)
    return { ok: false, failures: [base.fail(0, 'The YAML cannot be read.', 'Simplify the file.')] };
  const failures: Failure[] = document.errors
    .slice(0, 20)
    .map((error) =>
      base.fail(
        error.pos[0],
        `YAML: ${sentence(error.message)}`,
        HINTS[error.code] ?? 'Correct the YAML at this place.',
      ),
    );
  if (second !== undefined)
    failures.push(
      base.fail(
        second.range[0],
        'The file holds several YAML documents.',
        'Keep one document a file: remove the line "---" and what follows into a file of its own.',
      ),
    );
  if (failures.length > 0) return { ok: false, failures };
  // The composer types its documents as parsed; the schema above makes no other node classes.
  return { ok: true, source: { ...base, document: document as yaml.Document.Parsed, root: document.contents } };
}

const sentence = (message: string): string => (message.endsWith('.') ? message : `${message}.`);

/**
 * The library looks at `process.env` once a token, and each look asks the operating system: a quarter of its time.
 * While it runs (synchronously, so nobody else sees it) the variables are a plain, empty object.
 */
function withPlainEnvironment<T>(work: () => T): T {
  const real = process.env;
  process.env = {};
  try {
    return work();
  } finally {
    process.env = real;
  }
}

/** Offset of the first token nested deeper than the limit, or null. Walks without recursion. */
function deeperThan(tokens: readonly yaml.CST.Token[], limit: number): number | null {
  const stack: { readonly token: yaml.CST.Token; readonly depth: number }[] = tokens.map((token) => ({
    token,
    depth: 0,
  }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { token, depth } = next;
    if (depth > limit) return token.offset;
    if (token.type === 'document') {
      if (token.value !== undefined) stack.push({ token: token.value, depth });
    } else if ('items' in token) {
      for (const item of token.items) {
        if (item.key !== undefined && item.key !== null) stack.push({ token: item.key, depth: depth + 1 });
        if (item.value !== undefined) stack.push({ token: item.value, depth: depth + 1 });
      }
    }
  }
  return null;
}

function positions(text: string): YamlSource['at'] {
  let starts: number[] | null = null;
  const mark = text.startsWith('\ufeff') ? 1 : 0;
  return (offset) => {
    starts ??= lineStarts(text);
    const low = lineAt(starts, offset);
    return { line: low + 1, column: Math.max(1, offset - (starts[low] ?? 0) + 1 - (low === 0 ? mark : 0)) };
  };
}

/** A YAML (or JSON) text as a plain value; undefined where it is no such text. For files of other tools, whose mistakes are theirs. */
export function plainYaml(text: string, file: string): Json | undefined {
  const parsed = parseYaml(text, file, 'invalid-config');
  return parsed.ok ? (parsed.source.document.toJS({ maxAliasCount: YAML_LIMITS.aliases }) as Json) : undefined; // the parser makes nothing else
}

/** What the lexer writes before a scalar, whose text may begin with `#`, too. */
const SCALAR = '\u001f';

/** The comments of a text in their order, each from its `#` on. Never throws: the lexer takes any text. */
export function commentsIn(text: string): readonly string[] {
  const tokens = [...new yaml.Lexer().lex(text)];
  return tokens.flatMap((token, at) => (token.startsWith('#') && tokens[at - 1] !== SCALAR ? [token.trimEnd()] : []));
}

/** Module facts of Python and Rust, read off the syntax tree (see model/facts.ts). */
import type { ModuleFacts } from '../../model/index.js';
import { sha256 } from '../../util/hash.js';
import { discardParser, parserOf } from './grammars.js';
import { SourceText } from './source.js';
import { Syntax } from './syntax.js';
import { fingerprintOf, tokensOf, type TokenRules } from './tokens.js';

const MAX_PATHS = 500;

const PYTHON_RULES: TokenRules = {
  comments: new Set(['comment']),
  literals: new Set(['string', 'concatenated_string']),
  blocks: new Set(['block']),
  commaLists: new Set(['argument_list', 'parameters', 'list', 'dictionary', 'set']),
};
// Doc comments count: a doc test lives in one. So only the comments that are no documentation are left out, by hand below.
const RUST_RULES: TokenRules = {
  comments: new Set(),
  literals: new Set(['string_literal', 'raw_string_literal', 'char_literal']),
  blocks: new Set(),
  commaLists: new Set(),
};

const PYTHON_READS = new Set([
  'os',
  'io',
  'pathlib',
  'glob',
  'shutil',
  'fileinput',
  'pkgutil',
  'linecache',
  'sqlite3',
  'zipfile',
  'tarfile',
  'runpy',
  'configparser',
  'csv',
  'json',
]);
const PYTHON_READ_CALLS = new Set([
  'open',
  'read_text',
  'read_bytes',
  'listdir',
  'scandir',
  'iterdir',
  'rglob',
  'walk',
]);
const PYTHON_OUTSIDE: Readonly<Record<string, string>> = {
  socket: 'network',
  ssl: 'network',
  urllib: 'network',
  http: 'network',
  requests: 'network',
  httpx: 'network',
  aiohttp: 'network',
  ftplib: 'network',
  smtplib: 'network',
  asyncio: 'the clock',
  subprocess: 'other programs',
  multiprocessing: 'other programs',
  pty: 'other programs',
  time: 'the clock',
  random: 'randomness',
  secrets: 'randomness',
  uuid: 'randomness',
  hypothesis: 'randomness',
  faker: 'randomness',
  platform: 'the machine',
  tempfile: 'files outside',
  getpass: 'the machine',
  ctypes: 'computed code',
};
/** Read of anything, called or passed on: `datetime.now`, `field(default_factory=date.today)`. */
const PYTHON_CLOCK = new Set(['now', 'today', 'utcnow']);
const PYTHON_HOME = new Set(['home', 'expanduser', 'gethostname']);
const PYTHON_COMPUTED = new Set(['__import__', 'import_module', 'exec', 'eval', 'compile', 'importorskip']);

const SHIFTING = /^(?:network|the clock|randomness)/u;
const DOTTED = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/u;

const RUST_OUTSIDE: Readonly<Record<string, string>> = {
  TcpStream: 'network',
  TcpListener: 'network',
  UdpSocket: 'network',
  UnixStream: 'network',
  reqwest: 'network',
  SystemTime: 'the clock',
  Instant: 'the clock',
  Utc: 'the clock',
  Local: 'the clock',
  OffsetDateTime: 'the clock',
  Zoned: 'the clock',
  now: 'the clock',
  now_utc: 'the clock',
  now_local: 'the clock',
  new_v4: 'randomness',
  new_v7: 'the clock',
  fastrand: 'randomness',
  nanoid: 'randomness',
  OsRng: 'randomness',
  proptest: 'randomness',
  quickcheck: 'randomness',
  arbtest: 'randomness',
  fake: 'randomness',
  ureq: 'network',
  hyper: 'network',
  isahc: 'network',
  attohttpc: 'network',
  minreq: 'network',
  home_dir: 'files outside',
  Command: 'other programs',
  thread_rng: 'randomness',
  rand: 'randomness',
  getrandom: 'randomness',
  temp_dir: 'files outside',
  RandomState: 'randomness',
};
const RUST_READS = new Set([
  'fs',
  'File',
  'OpenOptions',
  'read_to_string',
  'read_dir',
  'include_str',
  'include_bytes',
  'include',
]);

const opaque = (bytes: Buffer): ModuleFacts => ({
  fingerprint: sha256(bytes),
  imports: [],
  computed: true,
  reads: true,
  paths: [],
  outside: 'could not be read',
});

const looksLikePath = (text: string): boolean =>
  text.length > 0 && text.length < 300 && /^[^\n*?<>|"]+$/u.test(text) && /[./\\]/u.test(text);

/** What a Python file imports and touches. `from . import x` gives `.x`; `from a.b import c` gives `a.b` and `a.b.c`. */
function readPython(root: Syntax): Omit<ModuleFacts, 'fingerprint'> {
  const imports = new Set<string>();
  const paths = new Set<string>();
  let computed = false;
  let reads = false;
  let outside: string | null = null;
  // The first reason stays, unless a later one is about what no identity of files and tools can hold.
  const reason = (why: string): void => {
    if (outside === null || (!SHIFTING.test(outside) && SHIFTING.test(why))) outside = why;
  };
  const take = (name: string): void => {
    imports.add(name);
    const top = name.split('.')[0] ?? '';
    if (PYTHON_READS.has(top)) reads = true;
    const why = Object.hasOwn(PYTHON_OUTSIDE, top) ? PYTHON_OUTSIDE[top] : undefined;
    if (why !== undefined) reason(`${why} (${top})`);
  };
  for (const node of root.descendants('import_statement')) {
    for (const child of node.named)
      take((child.type === 'aliased_import' ? (child.field('name') ?? child) : child).text);
  }
  for (const node of root.descendants('import_from_statement')) {
    const from = node.field('module_name')?.text ?? '';
    take(from);
    const names = node.named.filter((child) => child.text !== from || child.type === 'wildcard_import').slice(0);
    for (const child of names) {
      if (child.type === 'wildcard_import' || child.type === 'relative_import') continue;
      const name = (child.type === 'aliased_import' ? (child.field('name') ?? child) : child).text;
      imports.add(from.endsWith('.') ? `${from}${name}` : `${from}.${name}`);
    }
  }
  for (const node of root.descendants('call')) {
    const callee = node.field('function');
    const name =
      callee === null ? '' : callee.type === 'attribute' ? (callee.field('attribute')?.text ?? '') : callee.text;
    if (PYTHON_COMPUTED.has(name)) {
      const first = node.field('arguments')?.named[0];
      if (name !== 'exec' && name !== 'eval' && name !== 'compile' && first?.type === 'string')
        take(first.text.replace(/^[a-zA-Z]*['"]+|['"]+$/gu, ''));
      else computed = true;
    }
    if (PYTHON_READ_CALLS.has(name)) reads = true;
    if (name === 'urandom') reason('randomness (urandom)');
    if (name === 'system' || name === 'popen') reason(`other programs (${name})`);
  }
  for (const node of root.descendants('attribute')) {
    const name = node.field('attribute')?.text ?? '';
    if (PYTHON_CLOCK.has(name)) reason(`the clock (${name})`);
    if (PYTHON_HOME.has(name)) reason(`the machine (${name})`);
  }
  for (const node of root.descendants('string_content')) {
    const text = node.text;
    if (paths.size < MAX_PATHS && looksLikePath(text)) paths.add(text);
    // `patch("package.module.name")`, `pytest_plugins = ["package.fixtures"]`: a dotted string may be imported by whoever gets it.
    if (text.length < 300 && DOTTED.test(text)) imports.add(text);
  }
  for (const node of root.descendants('assignment'))
    if (node.field('left')?.text === 'pytest_plugins')
      for (const text of node.descendants('string_content')) imports.add(text.text);
  return { imports: [...imports].sort(), computed, reads, paths: [...paths].sort(), outside };
}

function readRust(root: Syntax): Omit<ModuleFacts, 'fingerprint'> {
  const paths = new Set<string>();
  let reads = false;
  let outside: string | null = null;
  for (const node of root.descendants('identifier', 'type_identifier')) {
    const name = node.text;
    if (RUST_READS.has(name)) reads = true;
    const why = Object.hasOwn(RUST_OUTSIDE, name) ? RUST_OUTSIDE[name] : undefined;
    if (why !== undefined && (outside === null || (!SHIFTING.test(outside) && SHIFTING.test(why))))
      outside = `${why} (${name})`;
  }
  for (const node of root.descendants('string_content'))
    if (paths.size < MAX_PATHS && looksLikePath(node.text)) paths.add(node.text);
  // A package is one compilation: its imports are its own files, so no closure follows these. They tell which crates it names.
  const imports = new Set<string>();
  for (const node of root.descendants(
    'use_declaration',
    'scoped_identifier',
    'scoped_type_identifier',
    'macro_invocation',
    'extern_crate_declaration',
  ))
    for (const [word] of node.text.slice(0, 400).matchAll(/\b[a-z]\w*\b/gu)) imports.add(word);
  return { imports: [...imports].sort(), computed: false, reads, paths: [...paths].sort(), outside };
}

const isPlainRustComment = (node: Syntax): boolean =>
  (node.type === 'line_comment' && !/^\/\/[/!]/u.test(node.text)) ||
  (node.type === 'block_comment' && !/^\/\*[*!]/u.test(node.text));

async function factsOf(grammar: 'python' | 'rust', file: string, bytes: Buffer): Promise<ModuleFacts> {
  const parser = await parserOf(grammar);
  const source = new SourceText(file, bytes);
  try {
    const tree = parser.parse(source.text);
    if (tree === null) return opaque(bytes);
    try {
      const root = Syntax.from(tree, source);
      // Broken source may hide an import behind the error.
      if (root.hasError) return { ...opaque(bytes), outside: null };
      if (grammar === 'python')
        return { fingerprint: fingerprintOf(tokensOf(root, PYTHON_RULES)), ...readPython(root) };
      return { fingerprint: fingerprintOf(tokensOf(root, RUST_RULES, isPlainRustComment)), ...readRust(root) };
    } finally {
      tree.delete();
    }
  } catch {
    discardParser(grammar);
    return opaque(bytes);
  }
}

export const pythonFacts = async (file: string, bytes: Buffer): Promise<ModuleFacts> => factsOf('python', file, bytes);
export const rustFacts = async (file: string, bytes: Buffer): Promise<ModuleFacts> => factsOf('rust', file, bytes);

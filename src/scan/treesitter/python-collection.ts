/**
 * Which files, classes and functions pytest collects in a project, read from its configuration as text: nothing is executed.
 */
import { parse } from 'smol-toml';
import { posix } from 'node:path';
import type { ProjectView } from '../language.js';

export interface Collection {
  isTestFile(file: string): boolean;
  isTestClass(name: string): boolean;
  isTestFunction(name: string): boolean;
}

/** Values of `[pytest]` in one configuration file. */
type Section = Readonly<Record<string, readonly string[]>>;

const DEFAULTS = { python_files: ['test_*.py', '*_test.py'], python_classes: ['Test'], python_functions: ['test'] };

/** Configuration files in the order in which pytest looks for them in one folder. */
const SOURCES: readonly { readonly name: string; read(text: string): Promise<Section | null> }[] = [
  { name: 'pytest.toml', read: async (text) => tomlSection(text, ['pytest'], true) },
  { name: '.pytest.toml', read: async (text) => tomlSection(text, ['pytest'], true) },
  { name: 'pytest.ini', read: async (text) => iniSection(text, 'pytest') ?? {} },
  { name: '.pytest.ini', read: async (text) => iniSection(text, 'pytest') ?? {} },
  {
    name: 'pyproject.toml',
    read: async (text) =>
      (await tomlSection(text, ['tool', 'pytest', 'ini_options'], false)) ??
      tomlSection(text, ['tool', 'pytest'], false),
  },
  { name: 'tox.ini', read: async (text) => iniSection(text, 'pytest') },
  { name: 'setup.cfg', read: async (text) => iniSection(text, 'tool:pytest') },
];

/** The rules for a file: those of the nearest configuration upwards. A configuration that cannot be read counts as absent. */
export async function collectionFor(file: string, project: ProjectView): Promise<Collection> {
  for (let folder = posix.dirname(file); ; folder = posix.dirname(folder)) {
    for (const { name, read } of SOURCES) {
      const path = folder === '.' ? name : `${folder}/${name}`;
      if (!project.exists(path)) continue;
      const bytes = await project.read(path);
      const section = bytes === null ? null : await read(bytes.toString('utf8')).catch(() => null);
      if (section !== null) return collection(section, folder);
    }
    if (folder === '.' || folder === '/' || folder === '') return collection({}, '.');
  }
}

function collection(section: Section, folder: string): Collection {
  const files = section['python_files'] ?? DEFAULTS.python_files;
  const classes = section['python_classes'] ?? DEFAULTS.python_classes;
  const functions = section['python_functions'] ?? DEFAULTS.python_functions;
  return {
    isTestFile: (file) =>
      files.some((pattern) => matchesFile(pattern, folder === '.' ? file : file.slice(folder.length + 1))),
    isTestClass: (name) => classes.some((pattern) => matchesName(pattern, name)),
    isTestFunction: (name) => functions.some((pattern) => matchesName(pattern, name)),
  };
}

/** A pattern without `/` is for the file's name, one with `/` for the end of its path. */
const matchesFile = (pattern: string, file: string): boolean =>
  pattern.includes('/')
    ? glob(pattern.startsWith('*') ? pattern : `*${pattern}`).test(`/${file}`)
    : glob(pattern).test(posix.basename(file));

/** pytest takes a name as a prefix, and as a pattern when it has a wildcard. */
const matchesName = (pattern: string, name: string): boolean =>
  name.startsWith(pattern) || (/[*?[]/u.test(pattern) && glob(pattern).test(name));

/** Python's fnmatch: `*` crosses `/`. */
function glob(pattern: string): RegExp {
  const source = pattern.replace(
    /\[(!?)([^\]]+)\]|[*?]|[\\^$.|+(){}[\]]/gu,
    (found: string, not: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replace(/[\\\]^]/gu, '\\$&')}]`;
      return found === '*' ? '.*' : found === '?' ? '.' : `\\${found}`;
    },
  );
  try {
    return new RegExp(`^${source}$`, 'su');
  } catch {
    return /^(?!)/u;
  }
}

const words = (text: string): readonly string[] => text.split(/\s+/u).filter((word) => word !== '');

/** A section of an INI file: `key = value` with continuation lines. Null when the section is absent. */
function iniSection(text: string, section: string): Section | null {
  const values: Record<string, string> = Object.create(null) as Record<string, string>;
  let inside = false;
  let seen = false;
  let key: string | null = null;
  for (const line of text.split(/\r?\n/u)) {
    if (/^\s*(?:[#;].*)?$/u.test(line)) continue;
    const header = /^\[(.+)\]\s*$/u.exec(line);
    if (header !== null) {
      inside = header[1] === section;
      seen ||= inside;
      key = null;
    } else if (inside && /^\s/u.test(line) && key !== null) values[key] += ` ${line}`;
    else if (inside) {
      const pair = /^([\w-]+)\s*[=:]\s*(.*)$/u.exec(line);
      key = pair?.[1] ?? null;
      if (key !== null) values[key] = pair?.[2] ?? '';
    }
  }
  return seen
    ? Object.fromEntries(Object.entries(values).map(([name, value]) => [name, words(value.replace(/\s[#;].*$/u, ''))]))
    : null;
}

/** A table of a TOML file; strings are split at white space, lists taken as they are. Null when it is absent. */
async function tomlSection(text: string, path: readonly string[], always: boolean): Promise<Section | null> {
  let table: unknown = parse(text);
  for (const key of path) table = isRecord(table) ? table[key] : undefined;
  if (!isRecord(table)) return always ? {} : null;
  const section: Record<string, readonly string[]> = {};
  for (const [key, value] of Object.entries(table)) {
    if (typeof value === 'string') section[key] = words(value);
    else if (Array.isArray(value)) section[key] = value.filter((item) => typeof item === 'string');
  }
  return section;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

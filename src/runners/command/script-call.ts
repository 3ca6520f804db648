/**
 * A command that asks a package manager for a script: `npm test`, `pnpm --filter web run unit`, `yarn workspace a test`,
 * `node --run test`, `run-s lint unit:*`. Read from its words alone; which text the script has is for `package-scripts.ts`.
 */
import { baseName } from './launchers.js';

export interface ScriptCall {
  readonly manager: 'npm' | 'pnpm' | 'yarn' | 'bun' | 'node' | 'run-s';
  /** Name of the script, or a pattern of names (`unit:*`) for `run-s`. */
  readonly script: string;
  /** Folder that it says, relative to where the line is; '' where it says none. */
  readonly folder: string;
  /** Names, folders or patterns of workspace packages; empty: the package itself; `*`: all of them. */
  readonly workspaces: readonly string[];
  /** An absent script is no error to the manager. */
  readonly ifPresent: boolean;
  /** True when the manager runs a program of that name where no script has it (`yarn jest`). */
  readonly orProgram: boolean;
  /** Words that are handed to the script. */
  readonly rest: readonly string[];
}

const FOLDER = new Set(['--prefix', '-C', '--dir', '--cwd']);
const WORKSPACE = new Set(['-w', '--workspace', '--filter', '-F']);
const ALL_WORKSPACES = new Set(['-ws', '--workspaces', '-r', '--recursive', '--include-workspace-root']);
/** Words of npm for scripts of these names. */
const NPM_WORDS: ReadonlyMap<string, string> = new Map([
  ['test', 'test'],
  ['t', 'test'],
  ['tst', 'test'],
  ['start', 'start'],
  ['stop', 'stop'],
  ['restart', 'restart'],
]);
const RUN = new Set(['run', 'run-script', 'rum', 'urn']);
/** What these managers do themselves, whatever scripts there are. */
const BUILT_IN = new Set([
  'install',
  'i',
  'ci',
  'add',
  'remove',
  'rm',
  'update',
  'up',
  'upgrade',
  'exec',
  'dlx',
  'x',
  'audit',
  'outdated',
  'pack',
  'publish',
  'link',
  'unlink',
  'init',
  'create',
  'why',
  'list',
  'ls',
  'config',
  'cache',
  'info',
  'view',
  'version',
  'store',
  'patch',
  'import',
  'prune',
  'rebuild',
  'root',
  'bin',
  'dedupe',
  'help',
  'node',
  'set',
  'plugin',
  'plugins',
  'pm',
  'build',
  'deploy',
]);

interface Options {
  folder: string;
  workspaces: string[];
  ifPresent: boolean;
  /** What is no option, in order. */
  words: string[];
  rest: string[];
}

/** Sorts words into options and others; behind the script's name the first unknown option begins what the script gets. */
function readOptions(words: readonly string[], manager: string): Options {
  const options: Options = { folder: '', workspaces: [], ifPresent: false, words: [], rest: [] };
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [name = '', joined] = word.startsWith('-') ? word.split(/=(.*)/s) : [word];
    const value = (): string => joined ?? words[(at += 1)] ?? '';
    if (word === '--') {
      options.rest.push(...words.slice(at + 1));
      return options;
    }
    if (FOLDER.has(name)) options.folder = value();
    // pnpm's -w is the root of the workspace, npm's takes a name.
    else if (WORKSPACE.has(name) && !(manager === 'pnpm' && (name === '-w' || name === '--workspace-root')))
      options.workspaces.push(value());
    else if (ALL_WORKSPACES.has(name)) options.workspaces.push('*');
    else if (name === '--if-present') options.ifPresent = true;
    else if (!word.startsWith('-')) options.words.push(word);
    else if (options.words.length > 0) options.rest.push(word);
  }
  return options;
}

/** The script that a command asks for; null when it asks for none. `words`: from the manager's own name on. */
export function scriptCall(words: readonly string[]): ScriptCall | null {
  const program = baseName(words[0] ?? '').replace(/\.(?:cmd|exe|cjs|js)$/, '');
  if (program === 'node' || program === 'nodejs') {
    const at = words.findIndex((word) => word === '--run' || word.startsWith('--run='));
    const script = at === -1 ? '' : (words[at]?.slice('--run='.length) ?? '') || (words[at + 1] ?? '');
    return script === ''
      ? null
      : { manager: 'node', script, folder: '', workspaces: [], ifPresent: false, orProgram: false, rest: [] };
  }
  if (program !== 'npm' && program !== 'pnpm' && program !== 'yarn' && program !== 'bun') return null;
  const options = readOptions(words.slice(1), program);
  const { folder, ifPresent } = options;
  const workspaces = [...options.workspaces];
  let [verb = '', ...others] = options.words;
  // yarn 1: `workspace NAME …`, `workspaces run …`; yarn 2 and later: `workspaces foreach run …`
  if (program === 'yarn' && verb === 'workspace') {
    workspaces.push(others[0] ?? '');
    [verb = '', ...others] = others.slice(1);
  } else if (program === 'yarn' && verb === 'workspaces') {
    workspaces.push('*');
    [verb = '', ...others] = others[0] === 'foreach' ? others.slice(1) : others;
  }
  const call = (script: string, handed: readonly string[], orProgram: boolean): ScriptCall | null =>
    script === ''
      ? null
      : { manager: program, script, folder, workspaces, ifPresent, orProgram, rest: [...handed, ...options.rest] };
  if (RUN.has(verb)) return call(others[0] ?? '', others.slice(1), program === 'yarn' || program === 'bun');
  if (program === 'npm' || verb === 'test' || verb === 't' || verb === 'start') {
    const script = program === 'bun' && verb === 'test' ? '' : (NPM_WORDS.get(verb) ?? '');
    return call(script, others, false);
  }
  return BUILT_IN.has(verb) ? null : call(verb, others, true);
}

/** `run-s lint unit:*`, `npm-run-all --parallel a b`: the names or patterns of scripts that it starts. */
export function scriptNames(words: readonly string[]): readonly string[] | null {
  const program = baseName(words[0] ?? '').replace(/\.(?:cmd|js|mjs)$/, '');
  if (!['run-s', 'run-p', 'npm-run-all', 'npm-run-all2'].includes(program)) return null;
  return words.slice(1).filter((word) => !word.startsWith('-'));
}

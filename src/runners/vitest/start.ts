/** How vitest is started for a file: as the package scripts say, else where its configuration is. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { exists, orNull } from '../../util/files.js';
import { ancestors, relativeTo } from '../layout.js';
import { scriptStarts, type ScriptStart } from '../scripts.js';

export interface VitestStart {
  /** `package.json: test`; '' when no script starts vitest. */
  readonly script: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

const OWN = /^vitest\.(?:config|workspace|projects)\.(?:[cm]?[jt]s|json)$/u;
const VITE = /^vite\.config\.[cm]?[jt]s$/u;

/** The nearest folder with vitest's own configuration, else with vite's (which may be there to build only), else the package. */
async function directoryOf(root: string, file: string): Promise<string> {
  for (const pattern of [OWN, VITE])
    for (const folder of ancestors(file))
      if ((orNull(() => readdirSync(join(root, folder))) ?? []).some((name) => pattern.test(name))) return folder;
  for (const folder of ancestors(file)) if (await exists(join(root, folder, 'package.json'))) return folder;
  return '';
}

/** What decides how tests run. What only chooses tests, watches, reports or measures is ours to say. */
const KEPT: ReadonlySet<string> = new Set([
  'config',
  'root',
  'dir',
  'globals',
  'dom',
  'environment',
  'mode',
  'pool',
  'configLoader',
  'exclude',
  'isolate',
  'typecheck',
  'testTimeout',
  'hookTimeout',
  'maxConcurrency',
  'maxWorkers',
  'minWorkers',
  'fileParallelism',
  'retry',
  'sequence',
  'poolOptions',
  'browser',
  'expect',
  'execArgv',
  'vmMemoryLimit',
  'experimental',
]);
const SHORT: Readonly<Record<string, string>> = { '-c': '--config', '-r': '--root' };
/** Those that are whole without a value: the word behind them is none of theirs. */
const ALONE: ReadonlySet<string> = new Set([
  'globals',
  'dom',
  'isolate',
  'typecheck',
  'fileParallelism',
  'run',
  'watch',
  'coverage',
  'ui',
  'open',
  'silent',
  'passWithNoTests',
  'update',
  'allowOnly',
  'bail',
  'hideSkippedTests',
  'standalone',
]);
const NOT_RUNS: ReadonlySet<string> = new Set(['bench', 'list', 'init', 'related']);

interface Read {
  readonly flags: readonly string[];
  /** Parts of paths that the script selects. */
  readonly filters: readonly string[];
}

function readWords(words: readonly string[]): Read {
  const flags: string[] = [];
  const filters: string[] = [];
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) {
      if (!(at === 1 && ['run', 'watch', 'dev'].includes(word))) filters.push(word.replace(/^\.\//u, ''));
      continue;
    }
    const [flag = '', joined] = word.split(/=(.*)/su);
    const long = SHORT[flag] ?? flag;
    const name = long.replace(/^--(?:no-)?/u, '').split('.', 1)[0] ?? '';
    const camel = name.replace(/-(\w)/gu, (_all, letter: string) => letter.toUpperCase());
    const next = words[at + 1];
    const isPair =
      joined === undefined && long.startsWith('--') && !ALONE.has(camel) && next !== undefined && !next.startsWith('-');
    const value = joined ?? (isPair ? next : undefined);
    if (isPair) at += 1;
    if (KEPT.has(camel)) flags.push(value === undefined ? long : `${long}=${value}`);
  }
  return { flags, filters };
}

const vitestAt = (words: readonly string[]): number => {
  const at = words.findIndex((word) => /^vitest(?:\.mjs)?$/u.test(basename(word)));
  return at === -1 || NOT_RUNS.has(words[at + 1] ?? '') || words.includes('install') ? -1 : at;
};

/** The ways to start vitest for a file, the likeliest first: vitest itself says which of them serves the file. */
export async function vitestStarts(root: string, file: string): Promise<readonly VitestStart[]> {
  const read = (await scriptStarts(root, file, vitestAt)).map((start) => ({ start, ...readWords(start.words) }));
  const selects = ({ start, filters }: Read & { readonly start: ScriptStart }): boolean =>
    filters.length === 0 || filters.some((filter) => relativeTo(start.folder, file).includes(filter));
  const starts: VitestStart[] = [...read.filter(selects), ...read.filter((item) => !selects(item))].map(
    ({ start, flags }) => ({ script: start.script, folder: start.folder, env: start.env, flags }),
  );
  starts.push({ script: '', folder: await directoryOf(root, file), env: {}, flags: [] });
  const seen = new Set<string>();
  return starts.filter(({ folder, env, flags }) => {
    const key = JSON.stringify([folder, env, flags]);
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

/**
 * strace as the oracle: every path that a call of the observed tree names, against what the observer wrote down in the same run.
 * strace stands around the observer and stops each call before the filter sees it.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readLog } from '../../src/observe/log.js';

/** Options of strace; `-y` shows the folder of each descriptor. */
export const STRACE = ['strace', '-f', '-qq', '-y', '-s', '8192', '-e', 'trace=%file,getdents64', '-e', 'signal=none'];

interface TracedPath {
  readonly call: string;
  /** What the path may be: a relative one of a call without a descriptor starts from some folder of the tree. */
  readonly candidates: readonly string[];
}

/** A call's second half, after another process's line, only has its answer. */
const LINE = /^(\d+) +(\w+)\((.*)$/u;
const TEXT = String.raw`"((?:[^"\\]|\\.)*)"`;
/** One path a call, but for those that name two. */
const TWO = /^(?:rename|link)/u;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' };

const unquoted = (text: string): string =>
  text.replaceAll(/\\(?:([0-7]{1,3})|(.))/gu, (_all, octal: string | undefined, one: string | undefined) =>
    octal === undefined ? (ESCAPES[one ?? ''] ?? one ?? '') : String.fromCharCode(Number.parseInt(octal, 8)),
  );

/** What is no input: facts of the machine, devices, and the observer's own canary. */
const isPseudo = (path: string): boolean => /^\/(?:proc|sys|dev(?!\/shm)|\.coherence-\w+)(?:\/|$)/u.test(path);

/** All paths that the traced processes named, the observer's own left out. */
function tracedPaths(file: string, start: string): readonly TracedPath[] {
  const lines = readFileSync(file, 'latin1').split('\n');
  const own = lines[0]?.split(' ')[0] ?? '';
  const folders = new Set([start]);
  const paths: TracedPath[] = [];
  const add = (call: string, folder: string | undefined, text: string): void => {
    if (text === '') return;
    const starts = text.startsWith('/') ? ['/'] : folder === undefined ? [...folders] : [folder];
    const candidates = starts.map((from) => resolve(from, text)).filter((path) => path !== '/' && !isPseudo(path));
    if (candidates.length > 0) paths.push({ call, candidates });
  };
  for (const line of lines) {
    const parts = LINE.exec(line);
    if (parts === null || parts[1] === own) continue;
    const [, , call = '', rest = ''] = parts;
    if (call === 'getcwd') continue;
    if (call === 'getdents64') {
      add(call, undefined, /^\d+<([^>]*)>/u.exec(rest)?.[1] ?? '');
      continue;
    }
    const names = [...rest.matchAll(new RegExp(`(?:(?:AT_FDCWD|\\d+)<([^>]*)>, )?${TEXT}`, 'gu'))];
    const wanted = call.startsWith('symlink') ? names.slice(1, 2) : names.slice(0, TWO.test(call) ? 2 : 1);
    for (const [, folder, text = ''] of wanted) add(call, folder, unquoted(text));
    const into = call === 'chdir' ? names[0]?.[2] : undefined;
    if (into !== undefined) for (const from of [...folders]) folders.add(resolve(from, unquoted(into)));
  }
  return paths;
}

/** With the links of the folders that are there followed; the last name as it is, or followed as well. */
function realOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return dirname(path) === path ? path : join(realOf(dirname(path)), basename(path));
  }
}
const namesOf = (path: string): readonly string[] => [path, join(realOf(dirname(path)), basename(path)), realOf(path)];

export interface Comparison {
  readonly traced: number;
  readonly missed: readonly string[];
}

/** Paths of a trace that a log has under none of their names, and that are not in a folder which the run itself made. */
export function compareWithTrace(trace: string, log: Buffer, cwd: string): Comparison {
  const read = readLog(log);
  if (read === null) throw new Error('the log has no end');
  const seen = new Set([...read.paths.values()].map((logged) => logged.path));
  const made = new Set(
    [...read.paths.values()]
      .filter((logged) => logged.state.mode === 0 && logged.uses !== 1)
      .map((logged) => logged.path),
  );
  const isOwn = (path: string): boolean => path !== dirname(path) && (made.has(path) || isOwn(dirname(path)));
  const traced = tracedPaths(trace, cwd);
  const distinct = new Map(traced.map((item) => [item.candidates.join('\0'), item]));
  const missed = [...distinct.values()].filter(
    ({ candidates }) =>
      !candidates.some((path) => namesOf(path).some((name) => seen.has(name) || isOwn(dirname(name)))),
  );
  return { traced: distinct.size, missed: missed.map(({ call, candidates }) => `${call} ${candidates[0]}`) };
}

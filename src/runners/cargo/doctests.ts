/**
 * Doc tests run inside rustdoc: one `cargo test --doc` a package, judged by rustdoc's own line for each.
 * Every doc test is a process of its own whose output rustdoc captures, so a status line before the list of failures
 * cannot come from a test. rustdoc splits its test arguments at white space, so names cannot be given whole:
 * the words `N)` select by line, and more than was asked for may run.
 *
 * Limit: for rustdoc a doc test passes when its process exits with 0. One that ends itself is refused where its own text
 * shows it (`process::exit`), not where a function that it calls does so.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case, Outcome } from '../../model/index.js';
import { clip } from '../../util/text.js';
import { docCommand } from './batches.js';
import type { StartOptions } from './executable.js';
import { howItEnded, judgeEnding, type Judgement } from './judge.js';
import { packageFolder, type Package } from './metadata.js';
import { outcomeOf } from './outcomes.js';
import { firstError, lastLines, runWhole, type Finished } from './program.js';
import { CRITERIA_VARIABLE, criteriaValue } from '../../run/environment.js';

export interface DocStatus {
  readonly name: string;
  readonly status: string;
}

/**
 * Status lines of rustdoc's harness, up to its first list of failures: what follows there is output of tests, which may
 * look like anything. Doc tests that only a later harness reports are then asked again, alone.
 */
export function readDocStatus(stdout: string): {
  readonly statuses: readonly DocStatus[];
  /** True when everything that ran is in the list. */ readonly whole: boolean;
} {
  const found: DocStatus[] = [];
  let inSection = false;
  let closed = false;
  for (const line of stdout.split('\n')) {
    if (/^(?:failures|successes):$/u.test(line)) return { statuses: found, whole: false };
    if (/^running \d+ tests?$/u.test(line)) {
      inSection = true;
      closed = false;
    } else if (line.startsWith('test result: ')) {
      inSection = false;
      closed = true;
    } else if (inSection) {
      const match = /^test (.+) \.\.\. (ok|FAILED|ignored)(?:,.*)?$/u.exec(line);
      if (match !== null) found.push({ name: match[1] ?? '', status: match[2] ?? '' });
    }
  }
  return { statuses: found, whole: closed };
}

/** `src/lib.rs - a::f (line 3) - compile fail` → its parts; null for another kind of line. */
export function readDocName(
  name: string,
): { readonly file: string; readonly item: string; readonly line: number } | null {
  const match = /^(.+?) - (?:(.*?) )?\(line (\d+)\)(?: - (?:compile|compile fail|should panic))?$/u.exec(name);
  return match === null ? null : { file: match[1] ?? '', item: match[2] ?? '', line: Number(match[3]) };
}

/**
 * Whether a reported doc test is the one that the case means: same file and line. A link that analysis did not confirm
 * must name the item too (last in rustdoc's path, type arguments aside), since its line may be out of date.
 */
export function isDocTestOf(
  one: Pick<Case, 'file' | 'path' | 'test'>,
  name: string,
  files: readonly string[],
): boolean {
  const parts = readDocName(name);
  const wanted = /^(?:(.*?) ?)?\(line (\d+)\)$/u.exec(
    (one.path[0] === 'doctest' ? one.path.slice(1) : one.path).join('::'),
  );
  if (parts === null || wanted === null || !files.includes(parts.file) || parts.line !== Number(wanted[2]))
    return false;
  const item = wanted[1] ?? '';
  // Written without an item: the line alone decides, since rustdoc then names the file's own module or nothing.
  if (item === '' || one.test !== null) return true;
  const reported = withoutArguments(parts.item);
  return reported === withoutArguments(item) || reported.endsWith(`::${withoutArguments(item)}`);
}

/** `IndexMap<K,V,S>::get` → `IndexMap::get`. */
function withoutArguments(item: string): string {
  let depth = 0;
  let kept = '';
  for (const character of item) {
    if (character === '<') depth += 1;
    else if (character === '>' && depth > 0) depth -= 1;
    else if (depth === 0) kept += character;
  }
  return kept.replaceAll('::::', '::');
}

const lineOf = (one: Case): string | null => /\(line (\d+)\)$/u.exec(one.path.at(-1) ?? '')?.[1] ?? null;

/** A doc test that ends its own process would be reported as passed, wherever it stopped. */
async function endsItself(one: Case, hostRoot: string): Promise<boolean> {
  const line = Number(lineOf(one));
  const text = await readFile(join(hostRoot, one.file), 'utf8').catch(() => '');
  const lines = text.split('\n').slice(line - 1);
  const close = lines.findIndex((current, i) => i > 0 && /^\s*(?:\/\/[/!]|\*)?\s*(?:`{3,}|~{3,})\s*$/u.test(current));
  return /\b(?:exit|_exit|quick_exit|abort|exec)\s*\(/u.test(lines.slice(1, close === -1 ? 200 : close).join('\n'));
}

export interface DocOptions extends StartOptions {
  readonly entry: Package;
  readonly cargo: string;
  readonly directory: string;
  readonly features: readonly string[];
  readonly locked: boolean;
  readonly cargoArguments: readonly string[];
  readonly stem: string;
}

/** What rustdoc does not report: documentation of an item that is not built is none. */
function absent(one: Case): Judgement {
  const condition = one.test?.condition;
  return condition === undefined
    ? { reason: 'not-found', detail: 'rustdoc has no such doc test', message: '' }
    : {
        reason: 'configured-out',
        detail: `${one.file}:${condition.line} ${condition.text}: not built with these features on this platform`,
        message: '',
      };
}

function judgeDoc(
  one: Case,
  finished: Finished,
  statuses: readonly DocStatus[],
  timeoutMs: number,
): Judgement | 'absent' {
  const ending = judgeEnding({ end: finished.executed.end, trouble: finished.executed.trouble, timeoutMs });
  if (statuses.length === 0) return ending ?? 'absent';
  if (statuses.some((entry) => entry.status === 'FAILED')) {
    const name = statuses[0]?.name ?? '';
    const start = finished.stdout.indexOf(`---- ${name.replace(/ - (?:compile|compile fail|should panic)$/u, '')}`);
    const text =
      start === -1
        ? ''
        : (finished.stdout.slice(start).split(/\n(?:---- |failures:\n)/u)[0] ?? '')
            .split('\n')
            .slice(1)
            .join('\n')
            .trim();
    return {
      reason: 'assertion',
      detail: clip(text.split('\n').find((line) => /panicked|error/u.test(line)) ?? 'the doc test failed', 300),
      message: clip(text, 20_000),
    };
  }
  if (new Set(statuses.map((entry) => entry.name)).size > 1)
    return {
      reason: 'ambiguous-selector',
      detail: `several doc tests fit: ${statuses.map((entry) => entry.name).join('; ')}`,
      message: '',
    };
  if (statuses.length > 1)
    return { reason: 'not-reported', detail: 'rustdoc reported this doc test more than once', message: '' };
  if (statuses[0]?.status === 'ignored')
    return { reason: 'runner-skipped', detail: 'the doc test is marked as ignored', message: '' };
  if (statuses[0]?.name.endsWith(' - compile') === true)
    return { reason: 'runner-skipped', detail: 'compiled, not run (`no_run`)', message: '' };
  return { reason: 'executed', detail: '', message: '' };
}

export async function runDocTests(cases: readonly Case[], options: DocOptions): Promise<Outcome[]> {
  const { workspace, context, paths, entry } = options;
  const outcomes: Outcome[] = [];
  const folder = paths.relative(packageFolder(entry)) ?? '';
  const runnable: Case[] = [];
  for (const one of cases) {
    if (lineOf(one) === null)
      outcomes.push(
        outcomeOf({
          case: one,
          judged: {
            reason: 'not-found',
            detail: 'a doc test is named by its item and line: `path::item (line N)`',
            message: '',
          },
          context,
        }),
      );
    else if (await endsItself(one, workspace.hostRoot))
      outcomes.push(
        outcomeOf({
          case: one,
          judged: {
            reason: 'not-reported',
            detail: 'the doc test ends its own process, and rustdoc would report that as passed',
            message: '',
          },
          context,
        }),
      );
    else runnable.push(one);
  }
  /** The file as rustdoc may call it: from the workspace's root or from the package's. */
  const namesOf = (one: Case): readonly string[] => [
    one.file,
    ...(options.directory === '' ? [] : [one.file.slice(options.directory.length + 1)]),
    ...(folder === '' ? [] : [one.file.slice(folder.length + 1)]),
  ];
  const run = async (some: readonly Case[], timeoutMs: number): Promise<Case[]> => {
    const words = [...new Set(some.map((one) => `${lineOf(one)})`))];
    const ignored = some.some((one) => one.ignored) ? ['--include-ignored'] : [];
    const command = docCommand(
      {
        cargo: options.cargo,
        packages: [entry.name],
        features: options.features,
        locked: options.locked,
        configuration: options.cargoArguments,
      },
      [...ignored, ...words],
    );
    const env = {
      ...options.env,
      ...(some.length === 1 ? { [CRITERIA_VARIABLE]: criteriaValue(some[0]?.criteria ?? []) } : {}),
      COHERENCE_ATTEMPT: String(context.attempt),
      ...context.env,
      ...some[0]?.env,
      // Output of the tests between the lines of the report would look like it.
      RUST_TEST_NOCAPTURE: '0',
    };
    const finished = await runWhole(
      workspace,
      { command, directory: options.directory, env, timeoutMs, label: options.label(`${options.stem}-doc`) },
      context.signal,
    );
    const { statuses, whole } = readDocStatus(finished.stdout);
    const again: Case[] = [];
    for (const one of some) {
      const mine = statuses.filter((status) => isDocTestOf(one, status.name, namesOf(one)));
      const judged = judgeDoc(one, finished, mine, timeoutMs);
      const settled = judged !== 'absent' && (judged.reason !== 'timeout' || some.length === 1);
      if (settled) outcomes.push(outcomeOf({ case: one, judged, context, command, executed: finished.executed }));
      else if (whole && judged === 'absent')
        outcomes.push(
          outcomeOf({
            case: one,
            judged: absent(one),
            context,
            command,
          }),
        );
      else if (some.length > 1) again.push(one);
      else {
        const compiled = !/could not compile/u.test(finished.stderr);
        const ran = /^running \d+ tests?$/mu.test(finished.stdout);
        outcomes.push(
          outcomeOf({
            case: one,
            context,
            command,
            executed: finished.executed,
            judged:
              ran && finished.executed.end.signal === null
                ? {
                    reason: 'not-reported',
                    detail: 'rustdoc did not report this doc test where it can be told from output of others',
                    message: lastLines(finished.stderr, 20),
                  }
                : compiled
                  ? {
                      reason: 'crash',
                      detail: `rustdoc ended (${howItEnded(finished.executed.end)}) before it reported the test`,
                      message: lastLines(finished.stderr, 20),
                    }
                  : { reason: 'build', detail: firstError(finished.stderr), message: lastLines(finished.stderr, 40) },
          }),
        );
      }
    }
    return again;
  };
  // Links with variables of their own cannot share a process with others.
  const groups = new Map<string, Case[]>();
  for (const one of runnable) {
    const key = JSON.stringify([Object.entries(one.env).sort(), one.ignored]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  for (const group of groups.values()) {
    // What a shared run did not report (one doc test hung or took rustdoc down) is asked one by one, once.
    for (const one of await run(group, Math.max(...group.map((each) => each.timeoutMs))))
      await run([one], one.timeoutMs);
  }
  return outcomes;
}

/**
 * Which files this build compiles, asked of the go command itself (`go list`): build constraints, file names, tags and the
 * folders that go passes over are its rules. Asked once a module and run; costs some 10 ms.
 */
import { readFile, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Batch, Case } from '../../model/index.js';
import type { Executed, RunContext, Workspace } from '../../run/adapters.js';
import type { Finding } from '../../run/outcome.js';
import { relativeTo } from '../layout.js';
import { harmlessFlags, tagsOf } from './flags.js';

interface GoPackage {
  readonly internal: ReadonlySet<string>;
  readonly external: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
  /** Files that do not parse: compiling them will say why. */
  readonly invalid: ReadonlySet<string>;
}

export interface GoBuild {
  /** `linux/amd64`, with the tags that are set. */
  readonly target: string;
  /** GOFLAGS to set for the test run; null when the user's own can stay. */
  readonly flags: string | null;
  /** By folder, relative to the module's root ('' is the root); those that `./...` names. */
  readonly packages: ReadonlyMap<string, GoPackage>;
}

export type Asked = { readonly ok: true; readonly build: GoBuild } | { readonly ok: false; readonly finding: Finding };

interface Answer {
  readonly ok: boolean;
  readonly stdout: string;
  /** First line of what it said on standard error. */
  readonly words: string;
}

/** Runs the go command; its whole output, however long, by a file in the reports folder. */
export async function askGo(
  workspace: Workspace,
  command: readonly string[],
  directory: string,
  env: Readonly<Record<string, string>>,
  label: string,
  signal: AbortSignal,
): Promise<Answer> {
  const name = `${label}.out`;
  const done: Executed = await workspace.exec(
    {
      command: ['sh', '-c', 'exec "$@" > "$0"', `${workspace.reports.inside}/${name}`, ...command],
      directory,
      env,
      timeoutMs: 120_000,
      label,
    },
    signal,
  );
  const [stdout, stderr] = await Promise.all(
    [join(workspace.reports.host, name), done.stderr.file].map(async (file) => readFile(file, 'utf8').catch(() => '')),
  );
  // A question is no evidence of any test.
  await Promise.all([done.stdout.file, done.stderr.file].map(async (file) => rm(file, { force: true })));
  const words = (stderr ?? '').split('\n').find((line) => line.trim() !== '') ?? done.trouble?.message ?? 'no answer';
  return { ok: done.trouble === null && done.end.code === 0, stdout: stdout ?? '', words: words.trim() };
}

/** The objects that `go list -json` prints one after the other. */
function listed(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text.split(/^\}$/mu).flatMap((part) => {
    if (part.trim() === '') return [];
    try {
      return [JSON.parse(`${part}}`) as Readonly<Record<string, unknown>>]; // members are read as unknown
    } catch {
      return [];
    }
  });
}

const names = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
const packageOf = (entry: Readonly<Record<string, unknown>>): GoPackage => ({
  internal: new Set(names(entry['TestGoFiles'])),
  external: new Set(names(entry['XTestGoFiles'])),
  ignored: new Set(names(entry['IgnoredGoFiles'])),
  invalid: new Set(names(entry['InvalidGoFiles'])),
});

const unavailable = (words: string): Finding => ({
  reason: 'unavailable:go',
  detail: `go does not work here: ${words}`,
});

/** Set-up that fails for every project: no cache folder, a broken installation. Null when go can build. */
export async function brokenGo(
  workspace: Workspace,
  program: string,
  directory: string,
  env: Readonly<Record<string, string>>,
  label: string,
  signal: AbortSignal,
): Promise<Finding | null> {
  const answer = await askGo(workspace, [program, 'build', 'unsafe'], directory, env, `${label}-probe`, signal);
  return answer.ok || signal.aborted
    ? null
    : unavailable(`${answer.words} (\`go build\` needs a GOCACHE it can write)`);
}

async function askBuild(
  workspace: Workspace,
  program: string,
  batch: Batch,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Asked> {
  const { directory, id } = batch;
  const described = ['env', '-json', 'GOFLAGS', 'GOOS', 'GOARCH'];
  const [facts, list] = await Promise.all([
    askGo(workspace, [program, ...described], directory, env, `${id}-env`, signal),
    askGo(workspace, [program, 'list', '-e', '-find', '-json', '.', './...'], directory, env, `${id}-list`, signal),
  ]);
  const values = facts.ok ? listed(facts.stdout)[0] : undefined;
  if (values === undefined) return { ok: false, finding: unavailable(facts.words) };
  const word = (name: string): string => (typeof values[name] === 'string' ? values[name] : '');
  const entries = listed(list.stdout);
  const top = entries.find((entry) => names(entry['Match']).includes('.'));
  const root = top === undefined ? null : String(top['Dir']);
  if (root === null) {
    // The installed go is older than the module demands, and no newer one may be fetched.
    const isOld = /requires go >= |toolchain not available/u.test(list.words);
    return {
      ok: false,
      finding: isOld
        ? unavailable(list.words)
        : { reason: 'setup', detail: `go list does not know what it builds here: ${list.words}` },
    };
  }
  const packages = new Map<string, GoPackage>();
  for (const entry of entries)
    if (names(entry['Match']).includes('./...'))
      packages.set(posix.relative(root, String(entry['Dir'])), packageOf(entry));
  const tags = tagsOf(word('GOFLAGS'));
  return {
    ok: true,
    build: {
      target: `${word('GOOS')}/${word('GOARCH')}${tags === '' ? '' : ` with tags ${tags}`}`,
      flags: harmlessFlags(word('GOFLAGS')),
      packages,
    },
  };
}

const asked = new WeakMap<AbortSignal, Map<string, Promise<Asked>>>();

/** What the build of a batch's module takes in. One answer serves a run, unless a check before it may have made files. */
export async function buildOf(
  batch: Batch,
  workspace: Workspace,
  program: string,
  env: Readonly<Record<string, string>>,
  context: RunContext,
): Promise<Asked> {
  if (batch.cases.some((entry) => entry.after.length > 0))
    return askBuild(workspace, program, batch, env, context.signal);
  const answers = asked.get(context.signal) ?? new Map<string, Promise<Asked>>();
  asked.set(context.signal, answers);
  const key = JSON.stringify([batch.place, batch.environment, workspace.root, batch.directory, env]);
  const answer = answers.get(key) ?? askBuild(workspace, program, batch, env, context.signal);
  answers.set(key, answer);
  return answer;
}

export type FileState =
  /** `external`: of the package `x_test` beside `x`, whose tests run after those of `x`. */
  | { readonly kind: 'compiled'; readonly external: boolean; readonly both: boolean }
  | { readonly kind: 'not'; readonly finding: Finding };

const conditionWords = (entry: Case, target: string): string => {
  const condition = entry.test?.condition;
  if (condition === undefined) return `${entry.file}: its name or a build constraint leaves it out on ${target}`;
  return `${entry.file}:${condition.line} ${condition.text}: not built on ${target}`;
};

/** Whether the file of a case is compiled into its package's tests. */
export async function stateOfFile(
  entry: Case,
  build: GoBuild,
  batch: Batch,
  ask: (folder: string) => Promise<Answer>,
): Promise<FileState> {
  const folder = relativeTo(batch.directory, posix.dirname(entry.file));
  const file = posix.basename(entry.file);
  const known = build.packages.get(folder);
  const listing = known === undefined ? listed((await ask(folder === '' ? '.' : `./${folder}`)).stdout)[0] : undefined;
  const found = known ?? (listing === undefined ? null : packageOf(listing));
  const not = (reason: Finding['reason'], detail: string): FileState => ({ kind: 'not', finding: { reason, detail } });
  if (found === null) return not('not-found', `go finds no package in ${posix.dirname(entry.file)}`);
  if (found.ignored.has(file)) return not('configured-out', conditionWords(entry, build.target));
  const external = found.external.has(file);
  if (!external && !found.internal.has(file) && !found.invalid.has(file))
    return not('not-found', `${entry.file} is no test file of its package: go passes over it`);
  if (known === undefined)
    return not('not-found', `go passes over the folder ${posix.dirname(entry.file)}: no \`./...\` names it`);
  return { kind: 'compiled', external, both: found.external.size > 0 && found.internal.size > 0 };
}

export const asker =
  (workspace: Workspace, program: string, batch: Batch, env: Readonly<Record<string, string>>, context: RunContext) =>
  async (folder: string): Promise<Answer> =>
    askGo(
      workspace,
      [program, 'list', '-e', '-find', '-json', folder],
      batch.directory,
      env,
      `${batch.id}-${context.attempt}-folder`,
      context.signal,
    );

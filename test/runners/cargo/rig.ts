/** Real projects in temporary folders, run by the real runner on the real host. */
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case, FoundTest, Outcome, RunEvent } from '../../../src/model/index.js';
import { verdictOf } from '../../../src/model/index.js';
import { cargoRunner, type CargoRunnerOptions } from '../../../src/runners/cargo/index.js';
import { hostPlace } from '../../../src/places/index.js';
import { capture, findProgram } from '../../../src/util/process.js';

export const fixtures = fileURLToPath(new URL('../../../fixtures/cargo', import.meta.url));

/** Null when cargo can be used; else why the tests of this file are skipped. CI never skips. */
export const noCargo: string | null =
  (await findProgram('cargo')) !== null || process.env['CI'] === 'true' ? null : 'cargo is not installed';

export interface Folder {
  readonly path: string;
  /** Writes files; contents by path. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  remove(): Promise<void>;
}

export async function folder(): Promise<Folder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'coherence-cargo-')));
  return {
    path,
    write: async (files) => {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(path, name)), { recursive: true });
        await writeFile(join(path, name), content);
      }
    },
    remove: async () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

export async function copyOf(fixture: string): Promise<Folder> {
  const made = await folder();
  await cp(join(fixtures, fixture), made.path, { recursive: true, filter: (source) => !source.endsWith('/target') });
  return made;
}

export const git = async (cwd: string, ...args: string[]): Promise<string> => {
  const done = await capture({
    command: ['git', '-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main', ...args],
    cwd,
  });
  if (!done.ok) throw new Error(`git ${args.join(' ')}: ${done.stderr}`);
  return done.stdout.trim();
};

export async function committed(path: string, message = 'state'): Promise<string> {
  await git(path, 'init', '-q').catch(() => '');
  await git(path, 'add', '-A');
  await git(path, 'commit', '-q', '--allow-empty', '-m', message);
  return git(path, 'rev-parse', 'HEAD');
}

/** A case for `path/to/file.rs::module::name`. */
export function caseFor(selector: string, more: Partial<Case> = {}): Case {
  const [file = '', ...path] = selector.split('::');
  return {
    id: `c${Buffer.from(selector + (more.features ?? []).join())
      .toString('hex')
      .slice(-40)}`,
    runner: 'cargo',
    place: 'host',
    environment: null,
    selector,
    test: null,
    file,
    path,
    line: 0,
    timeoutMs: 60_000,
    env: {},
    features: [],
    ignored: false,
    artifacts: [],
    expect: {},
    privateDaemon: false,
    after: [],
    inheritWorkspace: false,
    criteria: ['AC-x'],
    ...more,
  };
}

/** A doc test as the scanner finds it. */
export function docCase(file: string, path: readonly string[], line: number, more: Partial<Case> = {}): Case {
  const test: FoundTest = {
    file,
    line,
    column: 1,
    endLine: line + 2,
    language: 'rust',
    framework: 'doctest',
    kind: 'case',
    path,
    selector: [file, ...path].join('::'),
    dynamic: false,
    parametrised: false,
    fingerprint: '',
  };
  return caseFor(test.selector, { test, path, line, ...more });
}

export interface RunOptions extends CargoRunnerOptions {
  readonly cargoEnv?: readonly (readonly [string, string])[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly jobs?: number;
  readonly signal?: AbortSignal;
  /** A folder for captured output that stays. */
  readonly keepOutput?: string;
}

export interface Ran {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly events: readonly RunEvent[];
  /** `VERDICT(reason)` by selector. */
  readonly verdicts: Readonly<Record<string, string>>;
  of(selector: string): Outcome;
}

export async function runCases(root: string, cases: readonly Case[], options: RunOptions = {}): Promise<Ran> {
  const output = options.keepOutput ?? (await mkdtemp(join(tmpdir(), 'coherence-cargo-out-')));
  await mkdir(output, { recursive: true });
  const events: RunEvent[] = [];
  const runner = cargoRunner(options);
  const place = hostPlace({ root, env: options.env ?? process.env, outputFolder: output });
  const signal = options.signal ?? new AbortController().signal;
  const outcomes = new Map<string, Outcome>();
  try {
    for (const batch of await runner.batches(root, cases)) {
      const opened = await place.open({ environment: null, batch, signal });
      if (!opened.ok) throw new Error(opened.message);
      await using workspace = opened.workspace;
      const got = await runner.run(batch, workspace, {
        root,
        jobs: options.jobs ?? 2,
        signal,
        emit: (event) => events.push(event),
        env: { COHERENCE_RUN_ID: 'r' },
        attempt: 1,
        cargoEnv: options.cargoEnv ?? [],
      });
      for (const outcome of got) outcomes.set(outcome.case, outcome);
    }
  } finally {
    await place.close();
    if (options.keepOutput === undefined) await rm(output, { recursive: true, force: true });
  }
  const of = (selector: string): Outcome => {
    const one = cases.find((candidate) => candidate.selector === selector);
    const outcome = one === undefined ? undefined : outcomes.get(one.id);
    if (outcome === undefined) throw new Error(`no outcome for ${selector}`);
    return outcome;
  };
  return {
    outcomes,
    events,
    of,
    verdicts: Object.fromEntries(
      cases.map((one) => [one.selector, `${verdictOf(of(one.selector).reason)}(${of(one.selector).reason})`]),
    ),
  };
}

export const sumOfRunning = async (pattern: string): Promise<number> => {
  const done = await capture({ command: ['pgrep', '-fc', pattern], cwd: '/' });
  return Number(done.stdout.trim());
};

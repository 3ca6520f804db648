/**
 * A bench for runners: a fixture copied into a folder of its own, cases made from its sources, and the real thing run.
 */
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Case, FoundTest, Framework, LanguageName, Outcome, RunEvent, RunnerName } from '../../src/model/index.js';
import { verdictOf } from '../../src/model/index.js';
import { execute, type ExecuteOptions, type Execution } from '../../src/run/index.js';
import { hostPlace } from '../../src/places/index.js';
import { runners } from '../../src/runners/index.js';

export const REPOSITORY = resolve(import.meta.dirname, '../..');

export interface Bench extends AsyncDisposable {
  readonly root: string;
  readonly events: RunEvent[];
  run(
    cases: readonly Case[],
    options?: Partial<ExecuteOptions> & { readonly callerEnv?: Readonly<Record<string, string | undefined>> },
  ): Promise<Execution>;
  /** `PASS(executed)` and the like, by case id. */
  verdicts(cases: readonly Case[], options?: Partial<ExecuteOptions>): Promise<Record<string, string>>;
}

/** A copy of `fixtures/<name>` (or an empty folder) as a project, with this repository's own installed packages. */
export async function bench(fixture: string | null): Promise<Bench> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'coherence-test-')));
  const root = join(folder, 'project');
  if (fixture === null) await mkdir(root);
  else await cp(join(REPOSITORY, 'fixtures', fixture), root, { recursive: true });
  if (fixture === 'vitest') await symlink(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  const output = join(folder, 'output');
  await mkdir(output);
  const events: RunEvent[] = [];
  const run: Bench['run'] = async (cases, options = {}) => {
    const { callerEnv, ...rest } = options;
    const emit = (event: RunEvent): void => {
      events.push(event);
      options.emit?.(event);
    };
    return execute(cases, {
      root,
      runners: runners(),
      jobs: 2,
      signal: new AbortController().signal,
      failFast: false,
      env: { COHERENCE_RUN_ID: 'test-run' },
      retryCount: 0,
      cargoEnv: [],
      outputFolder: output,
      places: () => hostPlace({ root, env: callerEnv ?? process.env, outputFolder: output, emit, graceMs: 200 }),
      ...rest,
      emit,
    });
  };
  return {
    root,
    events,
    run,
    verdicts: async (cases, options) => {
      const { outcomes } = await run(cases, options);
      return Object.fromEntries(cases.map((entry) => [entry.id, shown(outcomes.get(entry.id))]));
    },
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  };
}

export const shown = (outcome: Outcome | undefined): string =>
  outcome === undefined ? 'nothing' : `${verdictOf(outcome.reason)}(${outcome.reason})`;

/** Runs cases together; what each came to and what it should have come to, as lines to compare. */
export async function judged(
  project: Bench,
  expected: readonly (readonly [Case, string])[],
): Promise<{ readonly seen: string[]; readonly wanted: string[] }> {
  const verdicts = await project.verdicts(expected.map(([entry]) => entry));
  return {
    seen: expected.map(([entry]) => `${entry.selector}: ${verdicts[entry.id]}`),
    wanted: expected.map(([entry, verdict]) => `${entry.selector}: ${verdict}`),
  };
}

const LANGUAGE: Readonly<Record<RunnerName, LanguageName>> = {
  vitest: 'typescript',
  'node-test': 'typescript',
  pytest: 'python',
  cargo: 'rust',
  go: 'go',
  command: 'other',
};
const FRAMEWORK: Readonly<Record<RunnerName, Framework>> = {
  vitest: 'vitest',
  'node-test': 'node-test',
  pytest: 'pytest',
  cargo: 'cargo',
  go: 'go',
  command: 'file',
};

let number = 0;

/** A case as the plan makes it. `test: null` unless `found` says what the scan found. */
export function makeCase(
  runner: RunnerName,
  file: string,
  path: readonly string[],
  more: Partial<Case> & { readonly found?: Partial<FoundTest> } = {},
): Case {
  const { found, ...rest } = more;
  number += 1;
  const line = rest.line ?? found?.line ?? 0;
  const selector = [file, ...path].join(' > ');
  const test: FoundTest | null =
    found === undefined
      ? null
      : {
          language: LANGUAGE[runner],
          framework: FRAMEWORK[runner],
          kind: 'case',
          path,
          selector,
          file,
          line,
          column: 1,
          endLine: line,
          dynamic: false,
          parametrised: false,
          fingerprint: '',
          ...found,
        };
  return {
    id: `c${number}`,
    runner,
    place: 'host',
    environment: null,
    selector,
    test,
    file,
    path,
    line,
    timeoutMs: 20_000,
    env: {},
    features: [],
    ignored: false,
    artifacts: [],
    expect: {},
    privateDaemon: false,
    after: [],
    inheritWorkspace: false,
    criteria: ['AC-test'],
    ...rest,
  };
}

/** A `run:` link's case. */
export const makeCommand = (line: string, more: Partial<Case> = {}): Case =>
  makeCase('command', 'specs/a.yaml', [], { line: 5, ...more, selector: line });

/** The line on which `text` first stands in a file. */
export async function lineOf(root: string, file: string, text: string): Promise<number> {
  const index = (await readFile(join(root, file), 'utf8')).split('\n').findIndex((line) => line.includes(text));
  if (index === -1) throw new Error(`${file} has no line with ${text}`);
  return index + 1;
}

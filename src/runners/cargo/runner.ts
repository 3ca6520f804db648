/**
 * The cargo runner: one build a package set and feature set, then every selected test in a process of its own.
 * The count of cargo calls does not depend on the number of links.
 */
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Batch, Case, Outcome } from '../../model/index.js';
import type { Availability, RunContext, Runner, Workspace } from '../../run/adapters.js';
import { byFeatures, cargoBatches, cargoPreview } from './batches.js';
import { emptyStream, type Build, type BuildFailure } from './build.js';
import { Chooser } from './choose.js';
import { configurationPlaces, readConfiguration } from './configuration.js';
import { runDocTests } from './doctests.js';
import { runTarget, runTest, testThreads, type StartOptions } from './executable.js';
import type { Judgement } from './judge.js';
import { guardLockFile } from './lock-file.js';
import { readMetadata, type Metadata, type Package } from './metadata.js';
import { combined, outcomeOf } from './outcomes.js';
import { treePaths } from './paths.js';
import { firstError, lastLines, runWhole } from './program.js';
import { Resolver, type ResolvedCase } from './resolve.js';
import { TargetSession } from './target-session.js';
import { askToolchain, type Toolchain } from './toolchain.js';

export interface CargoRunnerOptions {
  /** False: one test at a time (`cargo.parallel`). Default true. */
  readonly parallel?: boolean;
  /** The cache folder (contract, section 2), for records of builds and private target directories. Without it nothing is kept. */
  readonly cacheFolder?: string | null;
  /** The program (`backends.cargo.bin`). Default `cargo`. */
  readonly program?: string;
}

/** All that one batch's stages share. */
interface Work {
  readonly batch: Batch;
  readonly workspace: Workspace;
  readonly context: RunContext;
  readonly metadata: Metadata;
  readonly session: TargetSession;
  /** What starting executables needs; being asked for while cargo builds. */
  readonly start: () => Promise<StartOptions>;
  readonly cargo: string;
  readonly locked: boolean;
  readonly parallel: boolean;
  readonly label: (stem: string) => string;
}

/** A counter for labels: unique in a run, since the batch and the attempt are in it. */
function labels(batch: Batch, context: RunContext): (stem: string) => string {
  const used = new Map<string, number>();
  return (stem) => {
    const count = used.get(stem) ?? 0;
    used.set(stem, count + 1);
    const name = stem.startsWith(batch.id) || batch.cases.some((one) => one.id === stem) ? stem : `${batch.id}-${stem}`;
    return `${name}${context.attempt > 1 ? `-a${context.attempt}` : ''}${count === 0 ? '' : `-${count}`}`;
  };
}

/** Flags for targets that a plain `cargo test` does not build as tests. */
function extraTargets(resolved: readonly ResolvedCase[]): string[] {
  const flags = new Set<string>();
  for (const { candidates } of resolved) {
    if (candidates.some((candidate) => candidate.target.test)) continue;
    // `test = false` of a library, program or test is the project's word that it has no tests.
    for (const { target } of candidates) {
      if (!target.kind.includes('bench') && !target.kind.includes('example')) continue;
      const kind = ['bench', 'example', 'bin', 'test'].find((name) => target.kind.includes(name));
      flags.add(kind === undefined ? '--lib' : `--${kind}=${target.name}`);
    }
  }
  return [...flags].sort();
}

async function runFeatureSet(
  work: Work,
  features: readonly string[],
  resolved: readonly ResolvedCase[],
): Promise<Outcome[]> {
  const { context, session } = work;
  const outcome = (
    one: Case,
    what: Judgement,
    more: Partial<Pick<BuildFailure, 'exitCode' | 'command' | 'executed'>> = {},
  ): Outcome =>
    outcomeOf({
      case: one,
      judged: what,
      context,
      exitCode: more.exitCode ?? null,
      command: more.command ?? [],
      executed: more.executed ?? null,
    });
  const packages = [...new Set(resolved.flatMap((one) => one.packages))].sort((left, right) =>
    left.name < right.name ? -1 : 1,
  );
  const extra = extraTargets(resolved);
  let build: Build | null = { stream: emptyStream, failed: new Map() };
  if (packages.length > 0) build = await session.build({ packages, features, targets: [] });
  if (build !== null && extra.length > 0) {
    const wanted = packages.filter(
      (entry) =>
        !build?.failed.has(entry.id) &&
        resolved.some(
          (one) => one.packages.includes(entry) && !one.candidates.some((candidate) => candidate.target.test),
        ),
    );
    const more: Build | null =
      wanted.length === 0 ? build : await session.build({ packages: wanted, features, targets: extra });
    build =
      more === null || more === build
        ? more
        : {
            stream: {
              ...more.stream,
              artifacts: [...build.stream.artifacts, ...more.stream.artifacts],
              scripts: [...build.stream.scripts, ...more.stream.scripts],
            },
            failed: new Map([...build.failed, ...more.failed]),
          };
  }
  if (build === null)
    return resolved.map((one) =>
      outcome(one.case, {
        reason: 'infra',
        detail: 'cargo called a package of this tree fresh in an empty target directory',
        message: '',
      }),
    );
  const finished = build;
  const start = await work.start();
  const chooser = new Chooser(start, work.metadata, finished);
  const chosen = await Promise.all(
    resolved.filter((one) => one.kind === 'test').map(async (one) => ({ one, what: await chooser.choose(one) })),
  );
  const threads = Math.min(...resolved.map((one) => testThreads(one.case, start)));
  const everywhere = pLimit(work.parallel ? Math.max(1, Math.min(context.jobs, threads)) : 1);
  const inTurn = new Map<string, ReturnType<typeof pLimit>>();
  const limited = async (entry: Package, task: () => Promise<Outcome>): Promise<Outcome> => {
    // serial_test keeps order with locks inside one process; in processes of their own its tests must take turns here.
    if (!entry.dependencies.includes('serial_test')) return everywhere(task);
    const turn = inTurn.get(entry.id) ?? pLimit(1);
    inTurn.set(entry.id, turn);
    return turn(async () => everywhere(task));
  };
  const canceled = (one: Case): Outcome =>
    outcome(one, { reason: 'canceled', detail: 'the run was canceled', message: '' });
  const outcomes = await Promise.all(
    chosen.map(async ({ one, what }): Promise<Outcome> => {
      if (what.kind === 'judged') {
        const failure = one.packages.map((entry) => finished.failed.get(entry.id)).find((found) => found !== undefined);
        return outcome(one.case, what.judged, failure ?? {});
      }
      const { entry } = what.executable;
      if (what.kind === 'target')
        return limited(entry, async () =>
          context.signal.aborted ? canceled(one.case) : runTarget(one.case, what.executable, start),
        );
      const each = await Promise.all(
        what.names.map(async (name) =>
          limited(entry, async () =>
            context.signal.aborted ? canceled(one.case) : runTest(one.case, name, what.executable, start),
          ),
        ),
      );
      return (
        combined((index) => what.names[index] ?? '', each) ??
        outcome(one.case, { reason: 'not-found', detail: 'no test', message: '' })
      );
    }),
  );
  for (const entry of packages) {
    const docs = resolved.filter((one) => one.kind === 'doctest' && one.packages.includes(entry));
    if (docs.length === 0) continue;
    const failure = finished.failed.get(entry.id);
    if (failure !== undefined) outcomes.push(...docs.map((one) => outcome(one.case, failure, failure)));
    else if (context.signal.aborted) outcomes.push(...docs.map((one) => canceled(one.case)));
    else
      outcomes.push(
        ...(await runDocTests(
          docs.map((one) => one.case),
          {
            ...start,
            entry,
            cargo: work.cargo,
            directory: work.batch.directory,
            features,
            locked: work.locked,
            cargoArguments: session.arguments,
            stem: work.batch.id,
          },
        )),
      );
  }
  return outcomes;
}

async function runBatch(
  batch: Batch,
  workspace: Workspace,
  context: RunContext,
  options: Required<CargoRunnerOptions>,
): Promise<Outcome[]> {
  const label = labels(batch, context);
  const env = cargoEnvironment(workspace, context);
  // Asked while cargo reads manifests and builds; looked at when the first executable is started.
  const asked = askToolchain(workspace, {
    cargo: options.program,
    directory: batch.directory,
    env,
    label: label('environment'),
    signal: context.signal,
  });
  try {
    return await runWith(asked, batch, workspace, context, options, label);
  } finally {
    // Nothing may run on in a workspace that is given back.
    await asked.catch(() => undefined);
  }
}

/** What cargo itself is given beside the place's environment. */
const cargoEnvironment = (workspace: Workspace, context: RunContext): Readonly<Record<string, string>> => ({
  ...context.env,
  ...Object.fromEntries(workspace.place === 'host' ? context.cargoEnv : []),
});

async function runWith(
  asked: Promise<Toolchain>,
  batch: Batch,
  workspace: Workspace,
  context: RunContext,
  options: Required<CargoRunnerOptions>,
  label: (stem: string) => string,
): Promise<Outcome[]> {
  const all = (what: Judgement, command: readonly string[] = []): Outcome[] =>
    batch.cases.map((one) => outcomeOf({ case: one, judged: what, context, command }));
  const cargo = options.program;
  const described = {
    command: [cargo, 'metadata', '--no-deps', '--format-version', '1'],
    directory: batch.directory,
    env: cargoEnvironment(workspace, context),
    timeoutMs: null,
    label: label('metadata'),
  };
  const answer = await runWhole(workspace, described, context.signal);
  if (context.signal.aborted) return all({ reason: 'canceled', detail: 'the run was canceled', message: '' });
  if (answer.executed.trouble !== null)
    return all({ reason: answer.executed.trouble.reason, detail: answer.executed.trouble.message, message: '' });
  const metadata = answer.ok ? readMetadata(answer.stdout) : null;
  if (metadata === null) {
    // The version needs no manifest: where cargo cannot even tell that, there is no toolchain.
    const version = await runWhole(
      workspace,
      { ...described, command: [cargo, '--version'], label: label('version') },
      context.signal,
    );
    if (!version.ok && !context.signal.aborted)
      return all({
        reason: 'unavailable:cargo',
        detail: `cargo does not work here: ${firstError(version.stderr).replace(/^error: /u, '')}`,
        message: '',
      });
    const absent = /could not find `Cargo\.toml`/u.test(answer.stderr);
    return all(
      {
        reason: absent ? 'not-found' : 'build',
        detail: firstError(answer.stderr),
        message: lastLines(answer.stderr, 30),
      },
      described.command,
    );
  }
  const paths = treePaths(workspace, metadata.workspaceRoot, batch.directory);
  const here = {
    host: join(workspace.hostRoot, batch.directory),
    inside: batch.directory === '' ? paths.root : `${paths.root}/${batch.directory}`,
  };
  const resolver = new Resolver(metadata, paths, workspace.hostRoot);
  const resolved = await Promise.all(batch.cases.map(async (one) => resolver.resolve(one)));
  const stateFolder = options.cacheFolder === null ? null : join(options.cacheFolder, 'cargo');
  const guard = await guardLockFile(paths.host(metadata.workspaceRoot) ?? here.host, stateFolder, context.signal);
  try {
    await using session = new TargetSession({
      workspace,
      context,
      metadata,
      cargo,
      directory: batch.directory,
      env: context.env,
      locked: guard.locked,
      stateFolder,
      label,
    });
    await session.open();
    const prepared = asked.then(async (toolchain): Promise<Omit<StartOptions, 'env'>> => {
      const home =
        toolchain.base.get('CARGO_HOME') ??
        (toolchain.base.has('HOME') ? join(toolchain.base.get('HOME') ?? '', '.cargo') : null);
      const onHost = workspace.place === 'host';
      const configuration = await readConfiguration(
        configurationPlaces(here, onHost ? null : workspace.hostRoot, onHost ? home : null),
      );
      return { workspace, context, paths, toolchain, configuration, label };
    });
    prepared.catch(() => undefined);
    const start = async (): Promise<StartOptions> => ({ ...(await prepared), env: session.env });
    const work: Work = {
      batch,
      workspace,
      context,
      metadata,
      session,
      start,
      cargo,
      locked: guard.locked,
      parallel: options.parallel,
      label,
    };
    const outcomes: Outcome[] = [];
    // One feature set after the other: two builds of one directory replace each other's programs.
    for (const { features, cases } of byFeatures(resolved)) {
      if (context.signal.aborted)
        outcomes.push(
          ...cases.map((one) =>
            outcomeOf({
              case: one.case,
              judged: { reason: 'canceled', detail: 'the run was canceled', message: '' },
              context,
            }),
          ),
        );
      else outcomes.push(...(await runFeatureSet(work, features, cases)));
    }
    return outcomes;
  } finally {
    await guard.restore();
  }
}

export function cargoRunner(options: CargoRunnerOptions = {}): Runner {
  const settings = {
    parallel: options.parallel ?? true,
    cacheFolder: options.cacheFolder ?? null,
    program: options.program ?? 'cargo',
  };
  return {
    name: 'cargo',
    async available(workspace): Promise<Availability> {
      if ((await workspace.find(settings.program)) !== null) return { available: true };
      return {
        available: false,
        what: 'cargo',
        detail: `the program "${settings.program}" is not on PATH; install Rust from https://rustup.rs`,
      };
    },
    batches: cargoBatches,
    preview: (batch) => cargoPreview(batch, settings.program),
    run: async (batch, workspace, context) => runBatch(batch, workspace, context, settings),
  };
}

/** The runner with its defaults, keeping nothing between runs. */
export const cargo: Runner = cargoRunner();

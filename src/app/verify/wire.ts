/** Builds the adapters of a run from the settings: the only place where `config` meets `run`. */
import { availableParallelism } from 'node:os';
import type { Project } from '../../config/index.js';
import type { Case, Failure, RunnerName } from '../../model/index.js';
import { previewOf, type Execution, type ExecuteOptions, type Preview, type Runner } from '../../run/index.js';
import { runners } from '../../runners/index.js';
import { cargoRunner } from '../../runners/cargo/index.js';
import { findProgram } from '../../util/process.js';
import { isPrivateDaemonPossible, privateDaemonFor } from './private-daemon.js';
import { doltStatus } from '../store/store.js';
import { runCases } from './run-cases.js';
import type { VerifyContext, VerifyRequest } from './verify-request.js';

export interface Status {
  readonly available: boolean;
  readonly detail: string;
}

export interface RunWiring {
  readonly timeoutMs: number;
  readonly environments: readonly string[];
  readonly session: string;
  readonly docker: () => Promise<Status>;
  readonly dolt: () => Promise<Status>;
  readonly orchestrator: () => Promise<Status>;
  /** Runs cases in this wiring; may be called again for an audit's second look. */
  readonly execute: (cases: readonly Case[], run: string, attempt: number) => Promise<Execution>;
  readonly preview: (cases: readonly Case[]) => Promise<readonly Preview[]>;
  /** The warm report in its recorded form. */
  readonly warm: () => Readonly<Record<string, unknown>>;
  readonly notes: () => readonly string[];
  readonly close: () => Promise<void>;
}

/** Docker as the settings and the environment name it; asks the daemon, within a few seconds. */
export async function dockerStatus(
  _project: Project,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Status> {
  const { dockerStatus: ask } = await import('../../places/docker/index.js');
  const answer = await ask({ env });
  return answer.available
    ? { available: true, detail: answer.version ?? '' }
    : { available: false, detail: answer.detail };
}

export function runnersOf(project: Project): ReadonlyMap<RunnerName, Runner> {
  const { settings, directories } = project;
  return runners({
    node: settings.backends.node.bin,
    go: settings.backends.go.bin,
    python: settings.backends.python.bin,
    cargo: cargoRunner({
      parallel: settings.cargo.parallel,
      cacheFolder: directories.cache,
      program: settings.backends.cargo.bin,
    }),
  });
}

export async function wireRun(
  project: Project,
  request: VerifyRequest,
  context: VerifyContext,
  runFolder: string | null,
): Promise<RunWiring> {
  const { settings } = project;
  const all = runnersOf(project);
  const session = request.session ?? project.manifest.slug;
  const jobs = request.jobs ?? settings.verify.jobs ?? availableParallelism();
  const state: { warm: Readonly<Record<string, unknown>>; notes: string[] } = { warm: await skippedWarm(), notes: [] };
  return {
    timeoutMs: settings.verify.timeout,
    environments: Object.keys(settings.docker.environments),
    session,
    docker: async () => dockerStatus(project, context.env),
    dolt: async () => doltStatus(project, context.env),
    orchestrator: isPrivateDaemonPossible,
    execute: async (cases, run, attempt) => {
      const docker = cases.some((entry) => entry.place === 'docker')
        ? await import('../../places/docker/index.js')
        : null;
      const runTimeoutMs = request.runTimeoutMs ?? settings.verify.run_timeout ?? undefined;
      const options: Omit<ExecuteOptions, 'root' | 'places' | 'cargoEnv'> = {
        runners: all,
        jobs,
        signal: context.signal,
        failFast: request.failFast,
        emit: context.emit,
        retryCount: settings.retry_count,
        outputFolder: runFolder ?? '',
        env: { COHERENCE_RUN_ID: run, ...(attempt > 1 ? { COHERENCE_RUN_ATTEMPT: String(attempt) } : {}) },
        ...(runTimeoutMs === undefined ? {} : { runTimeoutMs }),
        privateDaemon: privateDaemonFor(project, context.env),
      };
      const done = await runCases(project, cases, {
        options,
        docker,
        run,
        attempt,
        session,
        speculative: request.speculative || settings.cargo.speculative,
        keepWorktree: request.keepWorktree,
        context,
      });
      if (done.warm !== null) state.warm = done.warm;
      state.notes.push(...done.notes);
      return done.execution;
    },
    preview: async (cases) => previewOf(cases, { root: project.root, runners: all }),
    warm: () => state.warm,
    notes: () => state.notes,
    close: async () => undefined,
  };
}

async function skippedWarm(): Promise<Readonly<Record<string, unknown>>> {
  const { skippedReport, warmRecord } = await import('../../runners/cargo/index.js');
  return warmRecord(skippedReport);
}

/** `--require`: what is missing, before anything runs (69). */
export async function requiredBackEnds(
  required: readonly string[],
  wiring: Pick<RunWiring, 'docker' | 'dolt'>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Failure[]> {
  const missing: Failure[] = [];
  for (const name of required) {
    if (name === 'cargo') {
      if ((await findProgram('cargo', env['PATH'])) === null)
        missing.push({
          kind: 'unavailable',
          message: 'cargo is required and was not found on PATH.',
          hint: 'Install Rust with rustup.',
        });
      continue;
    }
    const status = name === 'docker' ? await wiring.docker() : await wiring.dolt();
    if (!status.available)
      missing.push({
        kind: 'unavailable',
        message: `${name} is required and not available: ${status.detail}`,
        hint:
          name === 'docker' ? 'Start a Docker daemon, or set DOCKER_HOST.' : '`coherence doctor --fix` installs Dolt.',
      });
  }
  return missing;
}

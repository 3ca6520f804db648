/**
 * Cases in the tree under test; cargo cases of a speculative run in a worktree of coherence's own, on a warm target directory
 * (cargo.md, 'Making it sound').
 */
import { join, relative } from 'node:path';
import { cp, mkdir, realpath, rm } from 'node:fs/promises';
import type { Project } from '../../config/index.js';
import { success, type Case, type Outcome, type Result } from '../../model/index.js';
import { execute, type ExecuteOptions, type Execution } from '../../run/index.js';
import { speculativeCargo, warmRecord } from '../../runners/cargo/index.js';
import { WORKTREE_PREFIX, worktreesBase } from '../../worktrees/index.js';
import { changedFiles, resolveCommit } from '../../sources/index.js';
import { basename, dirname } from 'node:path/posix';
import { gitLine } from '../../util/git.js';
import { placesOf, type DockerModule } from './places.js';
import { withWorktree } from './worktree.js';
import type { VerifyContext } from './verify-request.js';

interface Request {
  readonly options: Omit<ExecuteOptions, 'root' | 'places' | 'cargoEnv'>;
  readonly docker: DockerModule | null;
  readonly run: string;
  readonly attempt: number;
  readonly session: string;
  readonly speculative: boolean;
  readonly keepWorktree: boolean;
  readonly context: VerifyContext;
}

interface Done {
  readonly execution: Execution;
  readonly warm: Readonly<Record<string, unknown>> | null;
  readonly notes: readonly string[];
}

export async function runCases(project: Project, cases: readonly Case[], request: Request): Promise<Done> {
  const warm = request.speculative
    ? cases.filter((entry) => entry.runner === 'cargo' && entry.place === 'host' && entry.after.length === 0)
    : [];
  const plain = cases.filter((entry) => !warm.includes(entry));
  const execution = plain.length === 0 ? null : await executeIn(project, project.root, plain, request, []);
  if (!request.speculative) return { execution: execution ?? { outcomes: new Map() }, warm: null, notes: [] };
  if (execution?.ended !== undefined)
    return {
      execution: { ...execution, outcomes: merged(execution, await canceled(project, warm, request)) },
      warm: null,
      notes: [],
    };
  const speculative = await runSpeculative(project, warm, request);
  const both =
    execution === null
      ? speculative.execution
      : { ...speculative.execution, outcomes: merged(execution, speculative.execution) };
  return { execution: both, warm: speculative.warm, notes: speculative.notes };
}

const merged = (left: Execution, right: Execution): ReadonlyMap<string, Outcome> =>
  new Map([...left.outcomes, ...right.outcomes]);

async function executeIn(
  project: Project,
  root: string,
  cases: readonly Case[],
  request: Request,
  cargoEnv: ExecuteOptions['cargoEnv'],
): Promise<Execution> {
  const places = placesOf(
    project,
    root,
    {
      ...request.options,
      run: request.run,
      env: request.context.env,
      observe: project.settings.verify.reuse === 'observed',
    },
    request.docker,
    request.context.wrapHost,
  );
  return execute(cases, { ...request.options, root, places, cargoEnv });
}

/** Outcomes for cases that an earlier end of the run left: the executor itself says canceled. */
async function canceled(project: Project, cases: readonly Case[], request: Request): Promise<Execution> {
  if (cases.length === 0) return { outcomes: new Map() };
  return executeIn(
    project,
    project.root,
    cases,
    { ...request, options: { ...request.options, signal: AbortSignal.abort() } },
    [],
  );
}

async function runSpeculative(project: Project, cases: readonly Case[], request: Request): Promise<Done> {
  const commit = await resolveCommit(project.root, 'HEAD');
  if (commit === null) {
    const cold = await executeIn(project, project.root, cases, request, []);
    return {
      execution: cold,
      warm: null,
      notes: [
        'There is no commit yet, so the speculative run had no worktree to work in and ran cold in the checkout.',
      ],
    };
  }
  if (await isOurWorktree(project)) return speculativeIn(project, project.root, cases, request);
  const made = await withWorktree(
    project,
    { commit, run: request.run, attempt: request.attempt, keep: request.keepWorktree, prepare: false },
    request.context,
    async (folder) => {
      const top = (await gitLine(project.root, ['rev-parse', '--show-toplevel'])) ?? project.root;
      const root = join(folder, relative(top, project.root));
      const overlaid = await overlay(project.root, root);
      if (!overlaid.ok) return overlaid;
      return success(await speculativeIn(project, root, cases, request));
    },
  );
  if (made.ok) return made.value;
  const cold = await executeIn(project, project.root, cases, request, []);
  return {
    execution: cold,
    warm: null,
    notes: [`No worktree could be made, so the speculative run was cold: ${made.failures[0]?.message ?? ''}`],
  };
}

async function speculativeIn(project: Project, root: string, cases: readonly Case[], request: Request): Promise<Done> {
  const warm = await speculativeCargo({
    sessionId: request.session,
    worktree: root,
    enabled: true,
    env: request.context.env,
    signal: request.context.signal,
    emit: request.options.emit,
    timeoutMs: project.settings.cargo.warm_timeout_ms,
    program: project.settings.backends.cargo.bin,
  });
  const execution =
    cases.length === 0
      ? { outcomes: new Map<string, Outcome>() }
      : await executeIn(project, root, cases, request, warm.cargoEnv);
  return { execution, warm: warmRecord(warm.report), notes: [] };
}

/** A queued run of a commit and the gate work in a worktree of ours already: a second one would have the first one's name. */
async function isOurWorktree(project: Project): Promise<boolean> {
  const top = await gitLine(project.root, ['rev-parse', '--show-toplevel']);
  const base = await realpath(worktreesBase(project.directories.state)).catch(() => null);
  return top !== null && base !== null && dirname(top) === base && basename(top).startsWith(WORKTREE_PREFIX);
}

/** What the working tree has beyond its commit: the run is about this very source, uncommitted changes included. */
async function overlay(from: string, to: string): Promise<Result<null>> {
  const changed = await changedFiles(from, 'HEAD');
  if (!changed.ok) return changed;
  for (const file of changed.value) {
    if (file.from !== undefined) await rm(join(to, file.from), { force: true });
    await rm(join(to, file.path), { force: true });
    if (file.status === 'deleted') continue;
    await mkdir(join(to, dirname(file.path)), { recursive: true });
    await cp(join(from, file.path), join(to, file.path), { verbatimSymlinks: true, preserveTimestamps: true });
  }
  return success(null);
}

/** `warm run|path`, `docker gc`, `clean`: what can be made again, made or removed on request. */
import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Project } from '../../config/index.js';
import { failure, success, type Result } from '../../model/index.js';
import { runsFolder } from '../../evidence/index.js';
import { journalPath, openJournal } from '../../journal/index.js';
import { warmBoot, warmRecord, warmTargetDir } from '../../runners/cargo/index.js';
import { collectWarmDirectories } from '../daemon/orchestrator.js';
import type { VerifyContext } from './verify-request.js';

type Env = Readonly<Record<string, string | undefined>>;

export const warmPath = (project: Project, session: string | undefined, env: Env): string =>
  warmTargetDir(session ?? project.manifest.slug, env);

export async function warmSession(
  project: Project,
  session: string | undefined,
  context: VerifyContext,
): Promise<Result<Readonly<Record<string, unknown>>>> {
  const report = await warmBoot(session ?? project.manifest.slug, project.root, true, {
    env: context.env,
    signal: context.signal,
    emit: context.emit,
    timeoutMs: project.settings.cargo.warm_timeout_ms,
    program: project.settings.backends.cargo.bin,
  });
  return success(warmRecord(report));
}

export async function collectLayers(
  project: Project,
  all: boolean,
  env: Env,
): Promise<Result<Readonly<Record<string, number>>>> {
  const { dockerGc } = await import('../../places/docker/index.js');
  const collected = await dockerGc({
    all,
    env,
    layerCapacity: project.settings.docker.layer_capacity,
    stateFolder: project.directories.state,
    cacheFolder: project.directories.cache,
  });
  if (collected.ok)
    return success(
      Object.fromEntries(
        Object.entries(collected.removed).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
      ),
    );
  return failure({
    kind: 'unavailable',
    message: `Docker: ${collected.message}`,
    hint: 'Start a Docker daemon, or set DOCKER_HOST.',
  });
}

const CACHES = ['catalog', 'scan', 'facts', 'dependencies'];

/** Caches of this project's kind, unfinished evidence of dead runs, and warm directories over their limits. Never evidence of a finished run. */
export async function cleanProject(project: Project, dryRun: boolean, _env: Env): Promise<Result<readonly string[]>> {
  const removed: string[] = [];
  for (const name of CACHES) {
    const folder = join(project.directories.cache, name);
    if (
      !(await stat(folder).then(
        () => true,
        () => false,
      ))
    )
      continue;
    removed.push(folder);
    if (!dryRun) await rm(folder, { recursive: true, force: true });
  }
  const runs = runsFolder(project.root);
  for (const name of await readdir(runs).catch(() => [] as string[])) {
    if (!name.startsWith('.tmp-')) continue;
    const age = await stat(join(runs, name)).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (age < 86_400_000) continue;
    removed.push(join(runs, name));
    if (!dryRun) await rm(join(runs, name), { recursive: true, force: true });
  }
  if (!dryRun) await collectWarm(project);
  return success(removed);
}

async function collectWarm(project: Project): Promise<void> {
  const opened = existsSync(journalPath(project.directories.state))
    ? await openJournal(project.directories.state)
    : null;
  using journal = opened !== null && opened.ok ? opened.value : null;
  await collectWarmDirectories(project, journal);
}

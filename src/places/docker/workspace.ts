/**
 * A batch's workspace: its own copy of the frozen source, mounted into one container for each program. What a program
 * does to the tree stays in that copy; what it does to the rest of the file system ends with its container.
 */
import { mkdir, rmdir, stat, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { EventSink, Layer } from '../../model/index.js';
import { insideRoot } from '../../util/files.js';
import type { Executed, Invocation, Workspace } from '../../run/adapters.js';
import { Capture } from '../../run/decorators/capture.js';
import { MASK, maskText, maskedEnv, secretValues } from '../../run/environment.js';
import type { Api } from './api.js';
import { createBody, runMain, type ContainerSpec, type MainEnd } from './container.js';
import { removeTree } from './copy.js';
import type { Environment } from './environment.js';
import type { Owner } from './owner.js';
import { findInside } from './programs.js';
import { holdsForeign, reclaim } from './reclaim.js';
import { cleanReports, makeReports, maskForms } from './reports.js';
import type { Semaphore } from '../../run/semaphore.js';
import { destroyContainer } from './teardown.js';
import { messageOf } from './transport.js';

/** What a container starts from. */
export interface Ground {
  readonly image: string;
  readonly layers: readonly Layer[];
  /** Variables of the base image. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Bench {
  readonly api: Api;
  readonly owner: Owner;
  readonly permits: Semaphore;
  readonly emit: EventSink;
  readonly outputFolder: string;
  readonly nextContainer: () => string;
  /** Whether the daemon has an init program; found out once. */
  readonly init: { present: boolean };
  /** Builds the environment again after its image turned out to be gone. Null when that did not work. */
  readonly renew: (environment: Environment, signal: AbortSignal) => Promise<Ground | null>;
  readonly user: { readonly user: number; readonly group: number };
}

export interface WorkspaceRequest {
  readonly environment: Environment;
  readonly ground: Ground;
  readonly batch: string;
  /** Holds `tree`, made already, and takes `reports`. */
  readonly folder: string;
  /** Aborts every program of this workspace. */
  readonly signal: AbortSignal;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const REPORTS_INSIDE = '/coherence/reports';

/** A container's root without capabilities cannot write to files of others; where we are not root, the tree is not root's. */
const capabilities = (host: number, user: string): readonly string[] =>
  host !== 0 && /^(0|root)(:|$)/.test(user) ? ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'] : [];

/** Makes the environment's symlinks. Null, or which one cannot be made. */
export async function makeLinks(tree: string, links: Readonly<Record<string, string>>): Promise<string | null> {
  for (const [name, target] of Object.entries(links)) {
    const path = await insideRoot(tree, name);
    if (path === null) return `link "${name}" leaves the workspace`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await rmdir(path).catch(() => undefined); // an empty folder may be in the way, nothing else
      await symlink(target, path);
    } catch (error) {
      return `link "${name}" cannot be made: ${messageOf(error)}`;
    }
  }
  return null;
}

const processEnd = (end: MainEnd): Executed['end'] => ({
  pid: null,
  code: end.timedOut || end.canceled ? null : end.code,
  signal: end.timedOut || end.canceled ? 'SIGKILL' : null,
  spawnError: null,
  timedOut: end.timedOut,
  canceled: end.canceled,
  startedAt: end.startedAt,
  endedAt: end.endedAt,
  durationMs: Math.max(0, end.endedAt.getTime() - end.startedAt.getTime()),
});

const isFolder = async (tree: string, directory: string): Promise<boolean> => {
  const path = await insideRoot(tree, directory);
  return (
    path !== null &&
    (await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  );
};

/** Failures of a start that are the project's own: no such program, not executable. */
const CANNOT_START = /executable file not found|no such file or directory|permission denied|not a directory/i;

export interface DockerWorkspace extends Workspace {
  /** How the environment runs a command line: program and options before it. */
  readonly shell: readonly string[];
  readonly environmentName: string;
}

export function dockerWorkspace(bench: Bench, request: WorkspaceRequest): DockerWorkspace {
  const { environment, folder } = request;
  const tree = join(folder, 'tree');
  const reports = join(folder, 'reports');
  const secrets = maskForms(Object.values(environment.secrets));
  let ground = request.ground;
  const active = new Set<Promise<unknown>>();
  let disposed: Promise<void> | null = null;

  const specOf = (invocation: Pick<Invocation, 'command' | 'directory' | 'env' | 'input'>): ContainerSpec => ({
    name: bench.nextContainer(),
    kind: 'check',
    image: ground.image,
    command: invocation.command,
    user: environment.user,
    directory: posix.join(environment.workdir, invocation.directory),
    env: { ...environment.env, ...environment.secrets, ...invocation.env },
    mounts: [
      { source: tree, target: environment.workdir, readOnly: false },
      { source: reports, target: REPORTS_INSIDE, readOnly: false },
    ],
    network: environment.limits.network,
    cpus: environment.limits.cpus,
    memoryBytes: environment.limits.memoryBytes,
    pids: environment.limits.pids,
    capabilities: capabilities(bench.user.user, environment.user),
    stdin: invocation.input !== undefined,
    init: bench.init.present,
  });

  const handBack = async (): Promise<void> => {
    if (
      bench.user.user === 0 ||
      !((await holdsForeign(tree, bench.user.user)) || (await holdsForeign(reports, bench.user.user)))
    )
      return;
    const why = await reclaim({
      api: bench.api,
      owner: bench.owner,
      image: ground.image,
      container: bench.nextContainer(),
      folders: [tree, reports],
      ...bench.user,
    });
    if (why !== null)
      bench.emit({
        type: 'note',
        message: `Files that a container left could not be handed back: ${maskText(why, secrets)}`,
      });
  };

  const main = async (
    invocation: Invocation,
    signal: AbortSignal,
    take: Parameters<typeof runMain>[3]['onOutput'],
  ): Promise<MainEnd> => {
    const options = {
      timeoutMs: invocation.timeoutMs,
      signal,
      onOutput: take,
      ...(invocation.input === undefined ? {} : { input: invocation.input }),
    };
    let end = await runMain(bench.api, bench.owner, specOf(invocation), options);
    if (end.initMissing) {
      bench.init.present = false;
      end = await runMain(bench.api, bench.owner, specOf(invocation), options);
    }
    if (!end.imageGone) return end;
    // Removed by hand since it was found: a miss after all.
    const renewed = await bench.renew(environment, signal);
    if (renewed === null) return end;
    ground = renewed;
    return runMain(bench.api, bench.owner, specOf(invocation), options);
  };

  const exec = async (invocation: Invocation, outer: AbortSignal): Promise<Executed> => {
    const signal = AbortSignal.any([outer, request.signal]);
    const masked = [...secrets, ...secretValues(invocation.env)];
    const capture = (stream: 'stdout' | 'stderr'): Capture =>
      new Capture({
        file: join(bench.outputFolder, `${invocation.label}.${stream}`),
        secrets: masked,
        onLine: (line) => bench.emit({ type: 'output', batch: request.batch, stream, line }),
      });
    const streams = { stdout: capture('stdout'), stderr: capture('stderr') };
    let firstError = '';
    const asked = new Date();
    let end: MainEnd = {
      code: null,
      timedOut: false,
      canceled: true,
      startedAt: asked,
      endedAt: asked,
      trouble: null,
      imageGone: false,
      initMissing: false,
      left: null,
    };
    let trouble: Executed['trouble'] = null;
    if (invocation.directory !== '' && !(await isFolder(tree, invocation.directory)))
      trouble = { reason: 'setup', message: `the folder ${invocation.directory} is not a folder of the project` };
    else {
      const permit = await bench.permits.take(signal);
      if (permit !== null)
        try {
          end = await main(invocation, signal, (stream, bytes) => {
            if (stream === 'stderr' && firstError.length < 200) firstError += bytes.toString('latin1');
            streams[stream].write(bytes);
          });
          await handBack();
          await cleanReports(reports, masked).catch((error: unknown) =>
            bench.emit({ type: 'note', message: `Reports could not be checked: ${messageOf(error)}` }),
          );
        } finally {
          permit();
        }
    }
    if (end.left !== null)
      bench.emit({ type: 'note', message: `The container ${end.left} could not be removed; a later run will.` });
    const [stdout, stderr] = await Promise.all([streams.stdout.close(), streams.stderr.close()]);
    if (end.trouble !== null) {
      const own = end.trouble.reason === 'infra' && CANNOT_START.test(end.trouble.message);
      trouble ??= { reason: own ? 'setup' : end.trouble.reason, message: maskText(end.trouble.message, masked) };
    } else if ((end.code === 127 || end.code === 126) && /^\[FATAL tini/.test(firstError)) {
      trouble = {
        reason: 'setup',
        message: `cannot start ${invocation.command[0] ?? ''}: ${firstError.split('\n')[0]?.replace(/^\[FATAL tini \(\d+\)\] /, '') ?? ''}`,
      };
    }
    const env: Record<string, string> = maskedEnv({ ...environment.env, ...invocation.env });
    for (const name of Object.keys(environment.secrets)) if (!(name in invocation.env)) env[name] = MASK;
    for (const [name, value] of Object.entries(env)) env[name] = maskText(value, masked);
    return { end: processEnd(end), stdout, stderr, imageId: ground.image, layers: ground.layers, trouble, env };
  };

  const dispose = async (): Promise<void> => {
    await Promise.allSettled(active);
    if (await removeTree(folder)) return;
    await handBack();
    if (!(await removeTree(folder)))
      bench.emit({ type: 'note', message: `The workspace ${folder} could not be removed.` });
  };

  return {
    place: 'docker',
    root: environment.workdir,
    hostRoot: tree,
    reports: { inside: REPORTS_INSIDE, host: reports },
    inherited: { ...ground.env, ...environment.env },
    shell: environment.shell,
    environmentName: environment.name,
    exec: async (invocation, signal) => {
      const running = exec(invocation, signal);
      active.add(running);
      return running.finally(() => active.delete(running));
    },
    find: async (program) => {
      const permit = await bench.permits.take(request.signal);
      if (permit === null) return null;
      const spec = specOf({ command: ['true'], directory: '', env: {} });
      try {
        const id = await bench.api.createContainer(spec.name, createBody({ ...spec, kind: 'probe' }, bench.owner));
        return await findInside(
          bench.api,
          id,
          program,
          environment.env['PATH'] ?? ground.env['PATH'] ?? DEFAULT_PATH,
          environment.workdir,
        );
      } catch {
        return null;
      } finally {
        await destroyContainer(bench.api, spec.name);
        permit();
      }
    },
    [Symbol.asyncDispose]: async () => (disposed ??= dispose()),
  };
}

/** Makes the folders of a workspace around a tree that `clone` puts there. */
export async function makeWorkspaceFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o711 });
  await makeReports(join(folder, 'reports'));
}

/**
 * A real private daemon with imported images, throw-away projects, and a ledger of what is on the daemon and on disk.
 * One daemon a test file; every test gets its own project, state and cache.
 */
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { startDockerd, whyNot, type PrivateDaemon } from '../../../scripts/dockerd.mjs';
import type { Batch, DeclaredEnvironment, RunEvent } from '../../../src/model/index.js';
import type { Executed, Invocation, Workspace } from '../../../src/run/adapters.js';
import { dockerPlace, type DockerOptions, type DockerPlace } from '../../../src/places/docker/index.js';
import { sha256 } from '../../../src/util/hash.js';
import { capture } from '../../../src/util/process.js';
import { ulid } from '../../../src/util/ulid.js';
import { dockerProxy, type DockerProxy } from '../../rig/docker-proxy.js';
import { BASE, importBusybox } from '../../rig/docker-image.js';

export { BASE, importBusybox };

const why = whyNot();
/** Reason to skip, or null. In CI nothing is skipped: a machine without a daemon fails there. */
export const absent = process.env['CI'] === 'true' ? null : why;

export interface Ledger {
  readonly containers: readonly string[];
  readonly tags: readonly string[];
  readonly dangling: readonly string[];
  readonly volumes: readonly string[];
  readonly folders: readonly string[];
}

export interface Project {
  readonly root: string;
  readonly state: string;
  readonly cache: string;
  readonly output: string;
  readonly events: RunEvent[];
  write(path: string, text: string, mode?: number): Promise<void>;
  git(...args: string[]): Promise<void>;
  place(
    environments: Readonly<Record<string, Partial<DeclaredEnvironment>>>,
    more?: Partial<DockerOptions>,
  ): DockerPlace;
  ledger(): Promise<Ledger>;
}

export interface DockerRig {
  readonly daemon: () => PrivateDaemon;
  readonly proxy: () => DockerProxy;
  readonly folder: () => string;
  docker(...args: string[]): Promise<string>;
  project(files?: Readonly<Record<string, string>>): Promise<Project>;
}

/** Hash of path, mode, modification time and content of everything below a folder. */
export async function treeHash(root: string): Promise<string> {
  const lines: string[] = [];
  const visit = async (below: string): Promise<void> => {
    const found = await lstat(join(root, below), { bigint: true });
    const what = found.isSymbolicLink()
      ? await readlink(join(root, below))
      : found.isFile()
        ? sha256(await readFile(join(root, below)))
        : 'folder';
    lines.push([below, found.mode, found.mtimeNs, found.uid, what].join('\0'));
    if (found.isDirectory())
      for (const name of (await readdir(join(root, below))).sort()) await visit(join(below, name));
  };
  await visit('.');
  return sha256(lines.join('\n'));
}

export const batchOf = (id: string, environment: string | null = 'base'): Batch => ({
  id,
  runner: 'command',
  place: 'docker',
  environment,
  directory: '',
  cases: [],
  configuration: {},
});

export const never = new AbortController().signal;

export const shell = (line: string, more: Partial<Invocation> = {}): Invocation => ({
  command: ['sh', '-c', line],
  directory: '',
  env: {},
  timeoutMs: 60_000,
  label: `check-${ulid().toLowerCase()}`,
  ...more,
});

export interface Ran extends Executed {
  readonly out: string;
  readonly err: string;
}

export async function execIn(workspace: Workspace, invocation: Invocation, signal: AbortSignal = never): Promise<Ran> {
  const executed = await workspace.exec(invocation, signal);
  return {
    ...executed,
    out: await readFile(executed.stdout.file, 'utf8'),
    err: await readFile(executed.stderr.file, 'utf8'),
  };
}

export async function openIn(
  place: DockerPlace,
  environment: string | null = 'base',
  signal: AbortSignal = never,
  inherit?: Workspace,
): Promise<Workspace> {
  const opened = await place.open({
    environment,
    batch: batchOf('b1', environment),
    signal,
    ...(inherit === undefined ? {} : { inherit }),
  });
  if (!opened.ok) throw new Error(`not opened: ${opened.reason}: ${opened.message}`);
  return opened.workspace;
}

/** One check: its own workspace, one command. */
export async function check(
  place: DockerPlace,
  line: string | Invocation,
  environment: string | null = 'base',
  signal: AbortSignal = never,
): Promise<Ran> {
  const workspace = await openIn(place, environment, signal);
  try {
    return await execIn(workspace, typeof line === 'string' ? shell(line) : line, signal);
  } finally {
    await workspace[Symbol.asyncDispose]();
  }
}

/** Registers the daemon's life with the test file. */
export function dockerRig(): DockerRig {
  let daemon: PrivateDaemon | null = null;
  let proxy: DockerProxy | null = null;
  let folder = '';
  const open: DockerPlace[] = [];
  const projects: string[] = [];
  const the = <T>(value: T | null): T => {
    if (value === null) throw new Error('the daemon is not started');
    return value;
  };
  const docker = async (...args: string[]): Promise<string> => {
    const done = await capture({ command: ['docker', '-H', the(daemon).host, ...args], cwd: folder });
    if (!done.ok) throw new Error(`docker ${args.join(' ')}: ${done.stderr}`);
    return done.stdout.trim();
  };

  beforeAll(async () => {
    if (absent !== null) return;
    folder = await mkdtemp(join(tmpdir(), 'coherence-docker-'));
    await chmod(folder, 0o711);
    daemon = await startDockerd(join(folder, 'd'));
    proxy = await dockerProxy(daemon.socket, join(folder, 'proxy.sock'));
    await importBusybox(folder, daemon.host, BASE, []);
  });
  afterEach(async () => {
    proxy?.clear();
    for (const place of open.splice(0)) await place.close();
    const left = daemon === null ? null : await leftovers(docker);
    const folders = (
      await Promise.all(projects.map(async (path) => readdir(join(path, 'state', 'docker', 'runs')).catch(() => [])))
    ).flat();
    for (const path of projects.splice(0)) await rm(path, { recursive: true, force: true });
    // The books after every test: only registered layers may stay.
    if (left !== null)
      expect({ ...left, folders }).toEqual({ containers: [], tags: [], dangling: [], volumes: [], folders: [] });
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await daemon?.stop();
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  const project = async (files: Readonly<Record<string, string>> = { 'marker.txt': 'v1\n' }): Promise<Project> => {
    const base = await mkdtemp(join(folder, 'p-'));
    await chmod(base, 0o711);
    projects.push(base);
    const [root, state, cache, output] = [
      join(base, 'root'),
      join(base, 'state'),
      join(base, 'cache'),
      join(base, 'output'),
    ];
    for (const path of [root, state, cache, output]) await mkdir(path);
    const events: RunEvent[] = [];
    const write: Project['write'] = async (path, text, mode) => {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text, mode === undefined ? {} : { mode });
    };
    const git: Project['git'] = async (...args) => {
      const done = await capture({
        command: ['git', '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args],
        cwd: root,
      });
      if (!done.ok) throw new Error(done.stderr);
    };
    await git('init', '-q');
    for (const [path, text] of Object.entries(files)) await write(path, text);
    return {
      root,
      state,
      cache,
      output,
      events,
      write,
      git,
      place: (environments, more = {}) => {
        const declared = Object.fromEntries(
          Object.entries(environments).map(([name, value]) => [
            name,
            { image: BASE, pull: 'never' as const, ...value },
          ]),
        );
        const place = dockerPlace({
          root,
          environments: declared,
          layerCapacity: 64,
          stateFolder: state,
          cacheFolder: cache,
          outputFolder: output,
          runId: ulid(),
          jobs: 2,
          emit: (event) => events.push(event),
          signal: never,
          env: { DOCKER_HOST: the(proxy).host },
          ...more,
        });
        open.push(place);
        return place;
      },
      ledger: async () => ledger(docker, state),
    };
  };
  return { daemon: () => the(daemon), proxy: () => the(proxy), folder: () => folder, docker, project };
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .sort();

/** What no test may leave on the daemon: containers, names of runs, images without a name, volumes. */
export async function leftovers(docker: DockerRig['docker']): Promise<Omit<Ledger, 'folders'>> {
  const [containers, tags, dangling, volumes] = await Promise.all([
    docker('ps', '-aq', '--no-trunc'),
    docker('images', '--format', '{{.Repository}}:{{.Tag}}'),
    docker('images', '-q', '-f', 'dangling=true'),
    docker('volume', 'ls', '-q'),
  ]);
  const ofRuns = lines(tags).filter((tag) => /^coherence-(?:eph|lease)\//.test(tag));
  return { containers: lines(containers), tags: ofRuns, dangling: lines(dangling), volumes: lines(volumes) };
}

async function ledger(docker: DockerRig['docker'], state: string): Promise<Ledger> {
  const [containers, tags, dangling, volumes] = await Promise.all([
    docker('ps', '-aq', '--no-trunc'),
    docker('images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}'),
    docker('images', '-q', '-f', 'dangling=true'),
    docker('volume', 'ls', '-q'),
  ]);
  const folders = await readdir(join(state, 'docker', 'runs')).catch(() => []);
  return {
    containers: lines(containers),
    tags: lines(tags).filter((tag) => !tag.startsWith('<none>')),
    dangling: lines(dangling),
    volumes: lines(volumes),
    folders: folders.sort(),
  };
}

/** Registered layers may have come and gone; everything else must be as it was. */
export const withoutLayers = (found: Ledger): Ledger => ({
  ...found,
  tags: found.tags.filter((tag) => !tag.startsWith('coherence-layer:')),
});

export const expectSame = (after: Ledger, before: Ledger): void =>
  expect(withoutLayers(after)).toEqual(withoutLayers(before));

/** Real projects and real Dolt servers for tests, each in folders of its own, all gone afterwards. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { loadProject, type Project } from '../../src/config/index.js';
import type { Result } from '../../src/model/index.js';
import {
  findDolt,
  openStore,
  requireTestDatabase,
  stopServer,
  type StorePlace,
  type StoreSession,
} from '../../src/store/index.js';
import { capture } from '../../src/util/process.js';
import { settled } from '../rig/leaks.js';

export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'coherence');

/** Whether a Dolt is there; with CI=true its absence fails the tests instead of skipping them. */
export const doltHere =
  process.env['CI'] === 'true' || (await findDolt({ doltBin: null, cache: CACHE, env: process.env })).ok;

export const get = <T>(result: Result<T>): T => {
  if (result.ok) return result.value;
  throw new Error(
    result.failures.map((item) => `${item.kind}: ${item.message} (${item.file ?? ''}:${item.line ?? ''})`).join('\n'),
  );
};

const folders: string[] = [];
const places: StorePlace[] = [];

/** A folder that is removed after the test. Its path marks every process that works in it. */
export async function temporary(name = 'store'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `coherence-${name}-`));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  for (const place of places.splice(0)) await stopServer(place).catch(() => undefined);
  const marks = folders.splice(0);
  const leaks = marks.length === 0 ? [] : await settled(marks, 10_000);
  for (const leak of leaks) process.kill(leak.pid, 'SIGKILL');
  for (const folder of marks) await rm(folder, { recursive: true, force: true });
  expect(leaks).toEqual([]);
});

/** A place for a store of its own. */
export async function newPlace(over: Partial<StorePlace> = {}): Promise<StorePlace> {
  const folder = await temporary();
  const place: StorePlace = {
    state: join(folder, 'state'),
    cache: CACHE,
    sockets: join(folder, 's'),
    database: 'p_h_test',
    doltBin: null,
    url: null,
    doltUrl: null,
    doltSha256: null,
    idleMinutes: 15,
    env: process.env,
    author: 'Ann <ann@example.org>',
    ...over,
  };
  get(requireTestDatabase(place.database));
  await mkdir(place.state, { recursive: true });
  places.push(place);
  return place;
}

export const open = async (place: StorePlace, gitBranch = 'main'): Promise<StoreSession> =>
  get(await openStore({ place, gitBranch, create: true }));

/** Writes a small spec, as an edit would. */
export const writeSpec = async (session: StoreSession, id = 'SPEC-a'): Promise<void> =>
  void get(
    await session.write({
      upsert: [{ id, title: 'A', level: 'module', status: 'active' }],
      remove: [],
      sync: [],
      unsync: [],
      message: id,
      git: null,
    }),
  );

export interface TestProject {
  readonly project: Project;
  readonly root: string;
  readonly env: Record<string, string | undefined>;
  git(...args: string[]): Promise<string>;
  write(file: string, text: string): Promise<void>;
  read(file: string): Promise<string>;
  place: StorePlace;
}

/** A git repository with a manifest. `over` sets environment variables. */
export async function newProject(over: Readonly<Record<string, string>> = {}, slug = 'shop'): Promise<TestProject> {
  const folder = await temporary('project');
  const root = join(folder, 'repo');
  const env: Record<string, string | undefined> = {
    ...process.env,
    COHERENCE_ENV: 'test',
    COHERENCE_STATE_DIR: join(folder, 'state'),
    COHERENCE_CACHE_DIR: CACHE,
    XDG_RUNTIME_DIR: join(folder, 'r'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    GIT_AUTHOR_NAME: 'Ann',
    GIT_AUTHOR_EMAIL: 'ann@example.org',
    GIT_COMMITTER_NAME: 'Ann',
    GIT_COMMITTER_EMAIL: 'ann@example.org',
    GIT_CONFIG_GLOBAL: '/dev/null',
    ...over,
  };
  await mkdir(join(folder, 'r'), { mode: 0o700 });
  await mkdir(join(root, '.coherence'), { recursive: true });
  await mkdir(join(root, 'specs'));
  await mkdir(env['COHERENCE_STATE_DIR'] ?? '', { recursive: true });
  await writeFile(
    join(root, '.coherence/project.toml'),
    `project_slug = "${slug}"\nproject_hash = "abc123"\ndolt_db_name = "${slug}_abc123"\n`,
  );
  const git = async (...args: string[]): Promise<string> => {
    const answer = await capture({ command: ['git', ...args], cwd: root, env });
    if (!answer.ok) throw new Error(`git ${args.join(' ')}: ${answer.stderr}${answer.stdout}`);
    return answer.stdout.trim();
  };
  await git('init', '-q', '-b', 'main');
  const project = get(await loadProject({ cwd: root, env }));
  const place: StorePlace = {
    state: project.directories.state,
    cache: CACHE,
    sockets: project.directories.sockets,
    database: `${slug}_abc123_test`,
    doltBin: null,
    url: null,
    doltUrl: null,
    doltSha256: null,
    idleMinutes: 15,
    env,
    author: 'x <x@x>',
  };
  places.push(place);
  return {
    project,
    root,
    env,
    git,
    place,
    write: async (file, text) => {
      await mkdir(join(root, file, '..'), { recursive: true });
      await writeFile(join(root, file), text);
    },
    read: async (file) => readFile(join(root, file), 'utf8'),
  };
}

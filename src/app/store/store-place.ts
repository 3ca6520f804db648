/** The store's surroundings from a project: the only place that turns settings into the store's plain values. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { plainSpec } from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import { failure, success, type Catalog, type Result } from '../../model/index.js';
import {
  databaseName,
  doltBranch,
  openStore,
  storeEnvironment,
  type Fork,
  type StorePlace,
  type StoreSession,
} from '../../store/index.js';
import { canonicalJson } from '../../util/hash.js';
import { git } from '../../util/git.js';
import { takeLock } from '../../util/lock.js';
import { catalogOfCommit } from '../analysis/catalog-of-commit.js';
import { gitHead, type GitHead } from '../analysis/git-head.js';

export type Env = Readonly<Record<string, string | undefined>>;

/** Failure: usage, for a COHERENCE_ENV that is no environment. Asks no program. */
export async function storePlace(project: Project, env: Env = process.env): Promise<Result<StorePlace>> {
  const environment = storeEnvironment(env['COHERENCE_ENV']);
  if (!environment.ok) return environment;
  const { store } = project.settings;
  const { state, cache, sockets } = project.directories;
  return success({
    // One server a state folder, by whatever path it is reached.
    state: realPath(state),
    cache,
    sockets,
    database: databaseName(project.manifest.databaseName, environment.value),
    doltBin: store.dolt_bin,
    url: store.url,
    doltUrl: store.dolt_url,
    doltSha256: store.dolt_sha256,
    idleMinutes: store.idle_minutes,
    env,
    author: ANONYMOUS,
  });
}

function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

const ANONYMOUS = 'coherence <coherence@localhost>';

/** Whom a change is by: what git would write, without asking anybody. */
async function author(root: string, env: Env): Promise<string> {
  const clean = (value: string | undefined): string => (value ?? '').replace(/[<>\r\n]/g, ' ').trim();
  let [name, address] = [clean(env['GIT_AUTHOR_NAME']), clean(env['GIT_AUTHOR_EMAIL'])];
  if (name === '' || address === '') {
    const answer = await git(root, ['config', '--get-regexp', '^user\\.(name|email)$'], { env });
    // From the widest file to the narrowest: git takes the last of each, the repository's own.
    const configured = new Map<string, string>();
    for (const line of answer.stdout.split('\n')) {
      const [, key, value] = /^user\.(name|email) (.*)$/.exec(line) ?? [];
      if (key !== undefined) configured.set(key, clean(value));
    }
    if (name === '') name = configured.get('name') ?? '';
    if (address === '') address = configured.get('email') ?? '';
  }
  return name === '' && address === '' ? ANONYMOUS : `${name === '' ? address : name} <${address}>`;
}

/** The git branch that the store follows; without git there is one line of history. */
export const storeBranch = (head: GitHead): string | null =>
  head.kind === 'branch' ? head.name : head.kind === 'no-git' ? 'main' : null;

/** Opens the store on the Dolt branch of the checked-out git branch. A detached HEAD is `unavailable`: it reads the files. */
export async function openProjectStore(
  project: Project,
  options: { readonly create?: boolean; readonly env?: Env } = {},
): Promise<Result<StoreSession>> {
  const env = options.env ?? process.env;
  const place = await storePlace(project, env);
  if (!place.ok) return place;
  const head = await gitHead(project.root);
  const branch = storeBranch(head);
  if (branch === null)
    return failure({
      kind: 'unavailable',
      message: "git's HEAD is detached, so there is no branch of the store to use; files are read as they are.",
      hint: 'Check out a branch.',
    });
  return openStore({
    place: { ...place.value, author: await author(project.root, env) },
    gitBranch: branch,
    create: options.create === true,
    ...(head.kind === 'branch' ? { fork: async (existing) => nearestBranch(project, branch, existing) } : {}),
  });
}

/** What a catalog says, whatever the order of its specs. */
const contentOf = (catalog: Catalog): string =>
  canonicalJson(Object.fromEntries(catalog.specs.map((spec) => [spec.id, plainSpec(spec)])));

const MOST_BRANCHES = 30;

/** Of the git branches that have a Dolt branch, the one that HEAD left last. */
async function nearestBranch(project: Project, current: string, existing: ReadonlySet<string>): Promise<Fork | null> {
  const { root } = project;
  const listed = await git(root, [
    'for-each-ref',
    '--format=%(refname:lstrip=2)',
    '--sort=-committerdate',
    'refs/heads',
  ]);
  const candidates = listed.stdout
    .split('\n')
    .filter((name) => name !== '' && name !== current && existing.has(doltBranch(name)))
    .slice(0, MOST_BRANCHES);
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const name of candidates) {
    const answer = await git(root, ['rev-list', '--count', 'HEAD', '--not', `refs/heads/${name}`, '--']);
    const distance = Number(answer.stdout.trim());
    if (answer.ok && (best === null || distance < best.distance)) best = { name, distance };
  }
  if (best === null) return null;
  const base = await git(root, ['merge-base', 'HEAD', `refs/heads/${best.name}`]);
  const commit = base.ok ? base.stdout.trim() : null;
  const shared = commit === null ? null : await git(root, ['rev-list', commit, '--']);
  const catalog = commit === null ? null : await catalogOfCommit(project, commit);
  const own = catalog?.ok === true ? contentOf(catalog.value) : null;
  return {
    branch: doltBranch(best.name),
    base: commit,
    isBase: (other) => own !== null && contentOf(other) === own,
    shared: new Set(shared?.stdout.split('\n').filter((line) => line !== '') ?? []),
  };
}

/** Runs `work` while no other command of this machine changes specs or reconciles them. */
export async function withCatalogLock<T>(project: Project, work: () => Promise<Result<T>>): Promise<Result<T>> {
  const taken = await takeLock(join(project.directories.state, 'catalog.lock'), 120_000);
  if (!taken.taken) {
    if (taken.why === 'unsupported') return work();
    return failure({
      kind: 'try-again',
      message: 'Another command is changing the specs and does not come to an end.',
      hint: 'Run the command again later.',
    });
  }
  try {
    return await work();
  } finally {
    await taken.lock.release();
  }
}

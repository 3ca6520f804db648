/**
 * The store's ratios, each both sides measured in this one run. `node bench/run.mjs store`, or build this file with esbuild.
 * Prints one JSON object; `storeBenchmarks` is for the bench runner.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyCatalogChange } from '../src/app/catalog/catalog-change.js';
import { openProjectStore } from '../src/app/store/store-place.js';
import { startStore, stopStore } from '../src/app/store/store.js';
import { syncProject } from '../src/app/store/sync.js';
import { importCatalog } from '../src/app/catalog/import.js';
import { formatSpec, loadCatalog, writeJsonl } from '../src/catalog/index.js';
import { loadProject, type Project } from '../src/config/index.js';
import { success, type Result, type Spec } from '../src/model/index.js';
import { connect } from '../src/store/dolt/connection.js';
import { COLUMNS, CATALOG_TABLES, toRows } from '../src/store/dolt/rows.js';
import { serverPaths, runningServer } from '../src/store/index.js';

export interface Figure {
  readonly name: string;
  readonly ms: number;
  /** What it is measured against, in this run. */
  readonly against: string;
  readonly baseMs: number;
  readonly ratio: number;
  readonly target: number;
}

const get = <T>(result: Result<T>): T => {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.failures));
};
const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;
async function time(work: () => unknown, times = 1): Promise<number> {
  const taken: number[] = [];
  for (let round = 0; round < times; round += 1) {
    const started = performance.now();
    await work();
    taken.push(performance.now() - started);
  }
  return median(taken);
}
const figure = (name: string, ms: number, against: string, baseMs: number, target: number): Figure => ({
  name,
  ms: Math.round(ms * 10) / 10,
  against,
  baseMs: Math.round(baseMs * 10) / 10,
  ratio: Math.round((ms / baseMs) * 100) / 100,
  target,
});

const specs = (count: number, criteria: number): Spec[] =>
  Array.from({ length: count }, (_, at) => ({
    id: `SPEC-area-${String(at).padStart(5, '0')}`,
    title: `Area ${at}`,
    level: 'module',
    status: 'active',
    intent: 'What it is for, in a sentence of some length.',
    criteria: Array.from({ length: criteria }, (_unused, number) => ({
      id: `AC-area-${String(at).padStart(5, '0')}-${number}`,
      title: `Statement ${number} about area ${at} that can be checked`,
      risk: 'medium',
      verified_by: [{ kind: 'test', target: `test/area-${at}.test.ts > area > case ${number}` }],
    })),
  }));

async function withProject<T>(
  work: (project: Project, root: string, env: Record<string, string | undefined>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'coherence-bench-store-'));
  const root = join(folder, 'repo');
  const env = {
    ...process.env,
    COHERENCE_ENV: 'test',
    COHERENCE_STATE_DIR: join(folder, 'state'),
    XDG_RUNTIME_DIR: join(folder, 'r'),
    COHERENCE_CACHE_DIR: join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'coherence'),
  };
  await mkdir(join(root, '.coherence'), { recursive: true });
  await mkdir(join(root, 'specs'));
  await mkdir(join(folder, 'r'), { mode: 0o700 });
  await writeFile(
    join(root, '.coherence/project.toml'),
    'project_slug = "bench"\nproject_hash = "b"\ndolt_db_name = "bench_b"\n',
  );
  const project = get(await loadProject({ cwd: root, env }));
  try {
    return await work(project, root, env);
  } finally {
    await stopStore(project, env);
    await rm(folder, { recursive: true, force: true });
  }
}

/** `sync` with nothing changed over 5,000 criteria, against reading the status of the same files. */
export async function syncUnchanged(): Promise<Figure> {
  return withProject(async (project, root, env) => {
    for (const spec of specs(500, 10))
      await writeFile(join(root, 'specs', `${spec.id.slice(5)}.yaml`), formatSpec(spec));
    get(await startStore(project, () => undefined, env));
    // Files that are as fresh as the comparison are read again; a later comparison trusts their time stamps.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await rm(join(project.directories.state, 'sync.json'));
    get(await syncProject(project, { env }));
    // By turns, so that whatever else the machine does falls on both alike.
    const taken: { readonly stat: number; readonly sync: number }[] = [];
    for (let round = 0; round < 61; round += 1) {
      const stat = await time(() => {
        for (const name of readdirSync(join(root, 'specs'))) lstatSync(join(root, 'specs', name));
      });
      taken.push({ stat, sync: await time(async () => get(await syncProject(project, { env }))) });
    }
    return figure(
      'sync, nothing changed, 500 files, 5,000 criteria',
      median(taken.map((round) => round.sync)),
      'stat of the files',
      median(taken.map((round) => round.stat)),
      2,
    );
  });
}

/** First import of 50,000 criteria into the store, against a bare bulk insert of the same rows by the same driver. */
export async function firstImport(): Promise<Figure[]> {
  return withProject(async (project, _root, env) => {
    const wanted = specs(2500, 20);
    get(await startStore(project, () => undefined, env));
    const session = get(await openProjectStore(project, { env }));
    const store = await time(async () =>
      get(
        await session.write({
          upsert: wanted,
          remove: [],
          sync: wanted.map((spec) => ({ spec: spec.id, path: `specs/${spec.id}.yaml`, fileHash: 'x', base: spec })),
          unsync: [],
          message: 'import',
          git: null,
        }),
      ),
    );
    const blame = await time(async () => get(await session.blame('SPEC-area-00007')), 5);
    await session.close();
    const bare = await bulkInsert(project, env, wanted);
    return [
      figure('first import of 50,000 criteria into the store', store, 'bare bulk insert of the same rows', bare, 3),
      figure('blame of one spec among 50,000 criteria', blame, 'bare bulk insert of the same rows', bare, 1),
    ];
  });
}

/** The whole command: JSON Lines read and checked, 2,500 spec files written, the store filled. */
export async function wholeImport(): Promise<Figure> {
  return withProject(async (project, root, env) => {
    const wanted = specs(2500, 20);
    const file = join(root, '..', 'in.jsonl');
    await writeFile(file, writeJsonl({ specs: wanted }));
    get(await startStore(project, () => undefined, env));
    const whole = await time(async () =>
      get(await importCatalog(project, { path: file, name: 'in.jsonl', dryRun: false, prune: false }, env)),
    );
    return figure(
      'the whole import command: jsonl, 2,500 files, store',
      whole,
      'bare bulk insert of the same rows',
      await bulkInsert(project, env, wanted),
      3,
    );
  });
}

async function bulkInsert(
  project: Project,
  env: Record<string, string | undefined>,
  wanted: readonly Spec[],
): Promise<number> {
  const paths = serverPaths(project.directories.state, project.directories.sockets);
  const server = await runningServer({
    ...paths,
    state: project.directories.state,
    cache: '',
    sockets: project.directories.sockets,
    database: '',
    doltBin: null,
    url: null,
    doltUrl: null,
    doltSha256: null,
    idleMinutes: 15,
    env,
    author: '',
  });
  const connection = await connect({
    kind: 'socket',
    socket: server?.socket ?? '',
    password: (await readFile(paths.password, 'utf8')).trim(),
  });
  const rows = toRows(wanted, { spec: [], criterion: [], relation: [], declared_link: [] });
  await connection.query('CREATE DATABASE bare_test');
  await connection.query('USE bare_test');
  for (const table of CATALOG_TABLES) {
    const { key, rest } = COLUMNS[table];
    await connection.query(
      `CREATE TABLE ${table} (${[...key.map((name) => `\`${name}\` VARCHAR(255) NOT NULL`), ...rest.map((name) => `\`${name}\` LONGTEXT`)].join(', ')}, PRIMARY KEY (${key.map((name) => `\`${name}\``).join(', ')}))`,
    );
  }
  const taken = await time(async () => {
    await connection.query('START TRANSACTION');
    for (const table of CATALOG_TABLES) {
      const columns = [...COLUMNS[table].key, ...COLUMNS[table].rest];
      for (let at = 0; at < rows[table].length; at += 1000) {
        const part = rows[table].slice(at, at + 1000);
        await connection.query(`INSERT INTO ${table} (${columns.map((name) => `\`${name}\``).join(', ')}) VALUES ?`, [
          part.map((row) => columns.map((name) => row[name] ?? null)),
        ]);
      }
    }
    await connection.query("CALL DOLT_COMMIT('-Am', 'bare')");
    await connection.query('COMMIT');
  });
  await connection.close();
  return taken;
}

/** History questions over 20 and over 200 commits: a loop over commits would cost ten times as much. */
export async function historyGrowth(): Promise<Figure[]> {
  return withProject(async (project, root, env) => {
    for (const spec of specs(20, 5)) await writeFile(join(root, 'specs', `${spec.id.slice(5)}.yaml`), formatSpec(spec));
    get(await startStore(project, () => undefined, env));
    const session = get(await openProjectStore(project, { env }));
    const grow = async (count: number, from: number): Promise<void> => {
      for (let at = 0; at < count; at += 1)
        get(
          await session.write({
            upsert: [{ ...(specs(1, 5)[0] as Spec), title: `Title ${from + at}` }],
            remove: [],
            sync: [],
            unsync: [],
            message: `edit ${at}`,
            git: null,
          }),
        );
    };
    await grow(20, 0);
    const head = get(await session.head());
    const ask = async (): Promise<[number, number]> => [
      await time(async () => get(await session.blame('SPEC-area-00000')), 7),
      await time(async () => get(await session.catalog(head)), 7),
    ];
    const few = await ask();
    await grow(180, 100);
    const many = await ask();
    await session.close();
    return [
      figure('blame over 200 commits', many[0], 'over 20 commits', few[0], 10),
      figure('catalog at a commit, 200 commits', many[1], 'with 20 commits', few[1], 2),
    ];
  });
}

/** One edit with the store running, as a command does it (without starting node). */
export async function oneEdit(): Promise<Figure> {
  return withProject(async (project, root, env) => {
    for (const spec of specs(500, 10))
      await writeFile(join(root, 'specs', `${spec.id.slice(5)}.yaml`), formatSpec(spec));
    const edit = async (word: string): Promise<unknown> =>
      get(
        await applyCatalogChange(
          project,
          'Edit',
          (current) =>
            success({
              specs: current.specs.map((spec, at) =>
                at === 7 ? { ...spec, title: `${word} ${performance.now()}` } : spec,
              ),
            }),
          env,
        ),
      );
    await edit('warm');
    const files = await time(async () => edit('files'), 5);
    get(await startStore(project, () => undefined, env));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const both = await time(async () => edit('both'), 5);
    return figure('an edit with the store running, 5,000 criteria', both, 'the same edit with files alone', files, 3);
  });
}

/** Reading 50,000 criteria from 2,500 files: without a cache of parsed files, and with one. Against fixed times: there is no rival. */
export async function catalogLoad(): Promise<Figure[]> {
  return withProject(async (project, root) => {
    for (const spec of specs(2500, 20))
      await writeFile(join(root, 'specs', `${spec.id.slice(5)}.yaml`), formatSpec(spec));
    const cacheFolder = join(root, '..', 'catalog-cache');
    const load = async (): Promise<unknown> => loadCatalog(project.root, { cacheFolder });
    const cold = await time(load);
    const warm = await time(load, 5);
    return [
      figure('catalog of 50,000 criteria, cold', cold, '6 s', 6000, 1),
      figure('catalog of 50,000 criteria, warm', warm, '500 ms', 500, 1),
    ];
  });
}

export const storeBenchmarks = async (): Promise<readonly Figure[]> => [
  ...(await catalogLoad()),
  await syncUnchanged(),
  ...(await firstImport()),
  await wholeImport(),
  ...(await historyGrowth()),
  await oneEdit(),
];

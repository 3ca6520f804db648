/** The port on one connection to one branch. SQL is in queries/. */
import { failure, success, type Result } from '../../model/index.js';
import type { StorePlace } from '../place.js';
import type { StoreSession } from '../port.js';
import { readBranches } from './branches.js';
import type { SqlConnection } from './connection.js';
import { asFailure, MOVED } from './failures.js';
import { inGroup } from './group.js';
import { readRows, writeSpecs } from './queries/catalog.js';
import { commitMessage, readBlame, readGitOf, readLog } from './queries/history.js';
import { readTrend, readVerdicts, writeRuns } from './queries/runs.js';
import { noteCommit, readSyncEntries, writeSyncEntries } from './queries/sync-state.js';
import { fastForward, fetchBranch, push, writeMerge } from './remotes.js';
import { fromRows } from './rows.js';
import type { OpenServer } from './server.js';

interface SessionOptions {
  readonly place: StorePlace;
  readonly connection: SqlConnection;
  readonly server: OpenServer;
  readonly branch: string;
  /** Where this clone's bases are. */
  readonly syncTable: string;
}

const attempt = async <T>(work: () => Promise<T>): Promise<Result<T>> => {
  try {
    return success(await work());
  } catch (error) {
    return asFailure(error);
  }
};

export function makeSession({ place, connection, server, branch, syncTable }: SessionOptions): StoreSession {
  const number = async (sql: string): Promise<number> => Number((await connection.query(sql))[0]?.['n'] ?? 0);
  const head = async (): Promise<string> =>
    String((await connection.query("SELECT HASHOF('HEAD') AS head"))[0]?.['head']);
  return {
    database: place.database,
    branch,
    server: { pid: server.identity?.pid ?? null, version: server.identity?.version ?? 'shared' },
    shared: place.url !== null,
    head: async () => attempt(head),
    catalog: async (commit) => attempt(async () => fromRows(await readRows(connection, commit))),
    syncEntries: async () => attempt(async () => readSyncEntries(connection, syncTable)),
    write: async (change) => {
      const done = await inGroup(
        connection,
        { message: commitMessage(change.message, change.git), author: place.author },
        async () => {
          if (change.expected !== undefined && (await head()) !== change.expected) return false;
          await writeSpecs(connection, change.upsert, change.remove);
          await writeSyncEntries(connection, syncTable, change.sync, change.unsync);
          return true;
        },
      );
      if (!done.ok) return done;
      if (!done.value.value) return failure(MOVED);
      if (done.value.commit !== null && change.sync.length > 0)
        await noteCommit(connection, syncTable, done.value.commit).catch(() => undefined);
      return success(done.value.commit);
    },
    resolve: async (ref) => {
      const rows = await connection.query('SELECT HASHOF(?) AS hash', [ref]).catch(() => []);
      const hash = rows[0]?.['hash'];
      return typeof hash === 'string' ? hash : null;
    },
    log: async (id, limit) => attempt(async () => readLog(connection, id, limit)),
    blame: async (id) => attempt(async () => readBlame(connection, id)),
    trend: async (limit, commit) => attempt(async () => readTrend(connection, limit, commit)),
    verdictsAt: async (gitCommit, commit) => attempt(async () => readVerdicts(connection, gitCommit, commit)),
    gitOf: async (commit) => attempt(async () => readGitOf(connection, commit)),
    recordRuns: async (runs) => {
      const line = runs.length === 1 ? `Run ${runs[0]?.run ?? ''}` : `${runs.length} runs`;
      // What was run on a clean tree names its commit, so that the state of the store then can be set beside that code.
      const message = commitMessage(line, runs.findLast((run) => !run.source.dirty)?.source.commit ?? null);
      const done = await inGroup(connection, { message, author: place.author }, async () =>
        writeRuns(connection, runs),
      );
      return done.ok ? success(done.value.commit) : done;
    },
    branches: async () => attempt(async () => readBranches(connection, place.database, branch)),
    push: async (remote) => push(connection, remote, branch),
    fetch: async (remote) => fetchBranch(connection, remote, branch),
    fastForward: async (remote) => fastForward(connection, remote),
    writeMerge: async (remote, merged, message) => writeMerge(connection, remote, merged, message, place.author),
    facts: async () =>
      attempt(async () => ({
        schema: await number('SELECT MAX(number) AS n FROM schema_migration'),
        specs: await number('SELECT COUNT(*) AS n FROM spec'),
        criteria: await number('SELECT COUNT(*) AS n FROM criterion'),
        runs: await number('SELECT COUNT(*) AS n FROM run'),
      })),
    close: async () => server.close(),
  };
}

/** Opens a project's database on the Dolt branch of a git branch; makes what is missing where that is allowed. */
import { failure, success, type Result } from '../../model/index.js';
import { writeAtomically } from '../../util/files.js';
import { identifier } from '../database-name.js';
import type { StorePlace } from '../place.js';
import type { StoreSession } from '../port.js';
import { branchNames, createBranch, doltBranch, ROOT_BRANCH, sharedCommit, useBranch, type Fork } from './branches.js';
import { cloneId, SYNC_TABLE } from './clone-id.js';
import type { SqlConnection } from './connection.js';
import { asFailure, damaged, noStore, notOurs, sqlNumber } from './failures.js';
import { readMarker } from './inspect.js';
import { migrate, MIGRATIONS, pendingMigrations, syncStateTable, type Migration } from './migrations.js';
import { serverPaths } from './paths.js';
import { missingRemote } from './remotes.js';
import { openServer, withStartLock, type OpenServer } from './server.js';
import { makeSession } from './session.js';

export interface OpenOptions {
  readonly place: StorePlace;
  /** The git branch; null (detached, no git) uses the root branch. */
  readonly gitBranch: string | null;
  /** Make the database where there is none. */
  readonly create: boolean;
  /** Where a new branch comes from, given the Dolt branches there are; null: from the root branch. */
  readonly fork?: (existing: ReadonlySet<string>) => Promise<Fork | null>;
  /** For tests of migrations. */
  readonly migrations?: readonly Migration[];
}

/** True when this project has a store here. Reads one small file; opens no connection. */
export async function storeExists(place: StorePlace): Promise<Result<boolean>> {
  if (place.url !== null) return success(true);
  const marker = await readMarker(serverPaths(place.state, place.sockets).marker);
  return marker.ok ? success(marker.value.includes(place.database)) : marker;
}

/** Failures: `unavailable` (no Dolt, no store, newer schema), `damaged-state`, `try-again`. */
export async function openStore(options: OpenOptions): Promise<Result<StoreSession>> {
  const there = await storeExists(options.place);
  if (!there.ok) return there;
  if (!there.value && !options.create) return failure(noStore());
  const server = await openServer(options.place);
  if (!server.ok) return server;
  let session: Result<StoreSession> | null = null;
  try {
    session = await onServer(options, server.value, there.value);
    return session;
  } catch (error) {
    return asFailure(error);
  } finally {
    if (session?.ok !== true) await server.value.close();
  }
}

async function onServer(options: OpenOptions, server: OpenServer, expected: boolean): Promise<Result<StoreSession>> {
  const { place, gitBranch } = options;
  const { connection } = server;
  const syncTable = place.url === null ? SYNC_TABLE : `${SYNC_TABLE}_${await cloneId(place.state)}`;
  const made = await ensureDatabase(options, connection, expected, syncTable);
  if (!made.ok) return made;
  const branch = gitBranch === null ? ROOT_BRANCH : doltBranch(gitBranch);
  await connection.query(`USE ${identifier(place.database)}`);
  const names = await branchNames(connection);
  if (names.has(branch)) {
    await useBranch(connection, place.database, branch);
    const local = await ensureSyncState(options, connection, syncTable);
    if (!local.ok) return local;
  } else if (gitBranch !== null) {
    // Checked before anything is written: a newer schema is not ours to write to.
    const ready = await upToDate(options, connection);
    if (!ready.ok) return ready;
    const fork = (await options.fork?.(names)) ?? null;
    const created = await withStartLock(serverPaths(place.state, place.sockets), async () => {
      if ((await branchNames(connection)).has(branch)) {
        await useBranch(connection, place.database, branch);
        return success(branch);
      }
      const from = (fork === null ? null : await sharedCommit(connection, fork)) ?? ROOT_BRANCH;
      return createBranch(connection, {
        database: place.database,
        git: gitBranch,
        from,
        author: place.author,
        syncTable,
      });
    });
    if (!created.ok) return created;
  }
  const ready = await upToDate(options, connection);
  if (!ready.ok) return ready;
  return success(makeSession({ place, connection, server, branch, syncTable }));
}

/** The table without history is made with the branch; a branch that came from a clone, or is being made now, may lack it. */
async function ensureSyncState(
  { place }: OpenOptions,
  connection: SqlConnection,
  table: string,
): Promise<Result<null>> {
  try {
    await connection.query(`SELECT spec_id FROM ${table} LIMIT 1`);
    return success(null);
  } catch (error) {
    if (sqlNumber(error) !== 1146) throw error;
  }
  return withStartLock(serverPaths(place.state, place.sockets), async () => {
    await connection.query(syncStateTable(table));
    return success(null);
  });
}

async function ensureDatabase(
  options: OpenOptions,
  connection: SqlConnection,
  expected: boolean,
  syncTable: string,
): Promise<Result<null>> {
  const { place } = options;
  const present = (await connection.query('SHOW DATABASES')).some((row) => row['Database'] === place.database);
  if (present && place.url !== null) {
    const foreign = await isForeign(connection, place.database);
    if (foreign) return failure(notOurs(place.database));
  }
  if (present && expected) return success(null);
  if (place.url !== null) {
    if (!present && !options.create) return failure(noStore());
  } else if (expected) return failure(damaged(`The store's database ${place.database} is not there any more.`));
  const paths = serverPaths(place.state, place.sockets);
  return withStartLock(paths, async () => {
    await connection.query(`CREATE DATABASE IF NOT EXISTS ${identifier(place.database)}`);
    await useBranch(connection, place.database, ROOT_BRANCH);
    const migrated = await migrate(connection, place.author, options.migrations);
    if (!migrated.ok) return migrated;
    await connection.query(syncStateTable(syncTable));
    if (place.url !== null) return success(null);
    const marker = await readMarker(paths.marker);
    if (!marker.ok) return marker;
    await writeAtomically(
      paths.marker,
      `${JSON.stringify({ databases: [...new Set([...marker.value, place.database])].toSorted() })}\n`,
      0o600,
    );
    return success(null);
  });
}

/** On a shared server: a database with tables, none of which is our ledger. Migrating it would throw away its uncommitted work. */
async function isForeign(connection: SqlConnection, database: string): Promise<boolean> {
  const tables = (await connection.query(`SHOW TABLES FROM ${identifier(database)}`)).map((row) =>
    String(Object.values(row)[0]),
  );
  return tables.length > 0 && !tables.includes('schema_migration');
}

/** Migrates the branch that the connection is on, where that is needed. */
async function upToDate(options: OpenOptions, connection: SqlConnection): Promise<Result<null>> {
  const known = options.migrations ?? MIGRATIONS;
  const pending = await pendingMigrations(connection, known);
  if (!pending.ok) return pending;
  if (pending.value.length === 0) return success(null);
  const paths = serverPaths(options.place.state, options.place.sockets);
  const done = await withStartLock(paths, async () => migrate(connection, options.place.author, known));
  return done.ok ? success(null) : done;
}

/** Makes this project's database a copy of a remote. Refused where the project has a store already. */
export async function cloneStore(place: StorePlace, url: string): Promise<Result<null>> {
  const there = await storeExists(place);
  if (!there.ok) return there;
  if (place.url !== null)
    return failure({
      kind: 'usage',
      message: 'The store is a shared server (store.url), which is not cloned over.',
      hint: 'Unset store.url to clone into a store of your own, or use `coherence store pull`.',
    });
  if (there.value)
    return failure({
      kind: 'already-exists',
      message: `This project has a store already (database ${place.database}).`,
      hint: 'Use `coherence store pull` to take over what a remote has.',
    });
  const missing = await missingRemote(url);
  if (missing !== null) return failure(missing);
  const server = await openServer(place);
  if (!server.ok) return server;
  const { connection } = server.value;
  const paths = serverPaths(place.state, place.sockets);
  try {
    return await withStartLock(paths, async () => {
      // What a killed clone left is no store yet: the marker comes last.
      await connection.query(`DROP DATABASE IF EXISTS ${identifier(place.database)}`);
      try {
        await connection.query('CALL DOLT_CLONE(?, ?)', [url, place.database]);
      } catch (error) {
        return failure({
          kind: 'unavailable',
          message: `The store at ${url} cannot be cloned: ${error instanceof Error ? error.message : String(error)}.`,
          hint: 'Check the URL and that you may access it.',
        });
      }
      await useBranch(connection, place.database, ROOT_BRANCH);
      const known = await pendingMigrations(connection);
      if (!known.ok) {
        await connection.query(`DROP DATABASE IF EXISTS ${identifier(place.database)}`);
        return known;
      }
      for (const row of await connection.query(
        "SELECT name FROM dolt_remote_branches WHERE name LIKE 'remotes/origin/%'",
      )) {
        const name = String(row['name']).slice('remotes/origin/'.length);
        if (name !== ROOT_BRANCH && !(await branchNames(connection)).has(name))
          await connection.query('CALL DOLT_BRANCH(?, ?)', [name, `origin/${name}`]);
      }
      const marker = await readMarker(paths.marker);
      if (!marker.ok) return marker;
      await writeAtomically(
        paths.marker,
        `${JSON.stringify({ databases: [...new Set([...marker.value, place.database])].toSorted() })}\n`,
        0o600,
      );
      return success(null);
    });
  } catch (error) {
    return asFailure(error);
  } finally {
    await server.value.close();
  }
}

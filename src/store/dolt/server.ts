/**
 * One owned Dolt server for a state folder: found, or started under a kernel lock, and proven to be ours before it is used.
 * Success means that our server answers (nonce in a table, data folder, version), never that something listens.
 */
import { rm } from 'node:fs/promises';
import { failure, success, type Failure, type Result } from '../../model/index.js';
import { errorCode } from '../../util/files.js';
import { takeLock, type Lock } from '../../util/lock.js';
import { endTree, newNonce } from '../../util/process.js';
import type { StorePlace } from '../place.js';
import { findDolt } from './binary.js';
import { connect, type SqlConnection } from './connection.js';
import { asFailure, errorText, isConnectionLoss, tryAgain, unavailable } from './failures.js';
import { misplacement, readIdentity, serverLives, writeIdentity, type ServerIdentity } from './identity.js';
import { launch } from './launch.js';
import { readPassword } from './password.js';
import { serverPaths, type ServerPaths } from './paths.js';
import { openShared } from './shared.js';

const START_WAIT_MS = 120_000;
const ANSWER_LIMIT_MS = 15_000;
const SERVER_DATABASE = 'coherence_server';

/** A verified connection to our server. While it is open, the server does not stop for idleness. */
export interface OpenServer {
  readonly connection: SqlConnection;
  readonly identity: ServerIdentity | null;
  close(): Promise<void>;
}

/** Starts the server if it does not run. Failures: `unavailable`, `damaged-state`, `try-again`. */
export async function openServer(place: StorePlace): Promise<Result<OpenServer>> {
  if (place.url !== null) return openShared(place.url, place.database);
  const paths = serverPaths(place.state, place.sockets);
  const lease = await takeLock(paths.useLock, ANSWER_LIMIT_MS, 'shared');
  if (!lease.taken) return failure(lockFailure(lease.why));
  let answer: Attached = null;
  try {
    answer =
      (await attach(paths, false)) ??
      (await withStartLock(paths, async () => (await attach(paths, true)) ?? start(place, paths)));
    return answer.ok ? success(leased(answer.value, lease.lock)) : answer;
  } finally {
    if (answer?.ok !== true) await lease.lock.release();
  }
}

function leased(found: Omit<OpenServer, 'close'>, lease: Lock): OpenServer {
  return {
    ...found,
    close: async () => {
      await found.connection.close();
      // The keeper counts idle time from here.
      const now = new Date();
      await lease.handle.utimes(now, now).catch(() => undefined);
      await lease.release();
    },
  };
}

const lockFailure = (why: 'busy' | 'unsupported'): Failure =>
  why === 'unsupported'
    ? unavailable('The store needs the program flock (util-linux) for its locks.', 'Install util-linux.')
    : tryAgain(
        'Another process starts or stops the store and does not come to an end.',
        'Run the command again later.',
      );

/** Runs `work` while nobody else starts, stops or migrates. */
export async function withStartLock<T>(paths: ServerPaths, work: () => Promise<Result<T>>): Promise<Result<T>> {
  const taken = await takeLock(paths.startLock, START_WAIT_MS);
  if (!taken.taken) return failure(lockFailure(taken.why));
  try {
    return await work();
  } finally {
    await taken.lock.release();
  }
}

type Attached = Result<Omit<OpenServer, 'close'>> | null;

/**
 * Connects to the recorded server. Null when there is none (never started, ended, other boot) or it is still being started.
 * With `inLock` nobody is starting one: a server that never got ready was left by a killed command and is ended.
 */
async function attach(paths: ServerPaths, inLock: boolean): Promise<Attached> {
  const identity = await readIdentity(paths.identity);
  if (identity === null || !serverLives(identity)) return null;
  if (!identity.ready) {
    if (inLock) await endTree(identity.pid, identity.nonce, 2000);
    return null;
  }
  const wrong = misplacement(identity, paths.data);
  if (wrong !== null)
    return failure(
      unavailable(`The Dolt server ${identity.pid} is not used: ${wrong}.`, '`coherence store stop` ends it.'),
    );
  const password = await readPassword(paths);
  if (!password.ok) return password;
  const foreign = (why: string): Attached =>
    failure(
      unavailable(
        `What answers on ${identity.socket} is not the Dolt server of this store: ${why}.`,
        'End that program, or run `coherence store stop`, and try again.',
      ),
    );
  const deadline = Date.now() + (inLock ? ANSWER_LIMIT_MS : 0);
  for (;;) {
    try {
      const connection = await connect({ kind: 'socket', socket: identity.socket, password: password.value });
      const problem = await mismatch(connection, identity, paths);
      if (problem === null) return success({ connection, identity });
      await connection.close();
      return foreign(problem);
    } catch (error) {
      if (!serverLives(identity)) return null;
      if (!isConnectionLoss(error) && errorCode(error) !== 'ETIMEDOUT') return foreign(errorText(error));
      // Outside the lock the caller tries again inside it.
      if (Date.now() >= deadline)
        return inLock
          ? failure(
              tryAgain(
                `The Dolt server ${identity.pid} does not answer on its socket.`,
                'Wait, or end it with `coherence store stop`.',
              ),
            )
          : null;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Why the server behind a connection is not the one of this identity, or null. */
async function mismatch(
  connection: SqlConnection,
  identity: ServerIdentity,
  paths: ServerPaths,
): Promise<string | null> {
  const rows = await connection
    .query(`SELECT nonce, data, dolt_version() AS version FROM ${SERVER_DATABASE}.identity`)
    .catch(() => []);
  const row = rows[0];
  if (row === undefined) return 'it has no mark of ours';
  if (row['nonce'] !== identity.nonce) return 'it carries the mark of another start';
  if (row['data'] !== paths.data) return `it serves ${String(row['data'])}`;
  return row['version'] === identity.version ? null : `it is Dolt ${String(row['version'])}, not ${identity.version}`;
}

/** Under the start lock, with no live server recorded. */
async function start(place: StorePlace, paths: ServerPaths): Promise<Result<Omit<OpenServer, 'close'>>> {
  const binary = await findDolt(place);
  if (!binary.ok) return binary;
  const launched = await launch({ place, paths, binary: binary.value, nonce: newNonce() });
  if (!launched.ok) return launched;
  const { identity, password } = launched.value;
  try {
    const connection = await connect({ kind: 'socket', socket: identity.socket, password });
    await connection.query(`CREATE DATABASE IF NOT EXISTS ${SERVER_DATABASE}`);
    await connection.query(
      `CREATE TABLE IF NOT EXISTS ${SERVER_DATABASE}.identity (one TINYINT PRIMARY KEY, nonce VARCHAR(64) NOT NULL, data TEXT NOT NULL)`,
    );
    await connection.query(`REPLACE INTO ${SERVER_DATABASE}.identity VALUES (1, ?, ?)`, [identity.nonce, paths.data]);
    const problem = await mismatch(connection, identity, paths);
    if (problem === null) {
      await writeIdentity(paths.identity, { ...identity, ready: true });
      return success({ connection, identity: { ...identity, ready: true } });
    }
    await connection.close();
    await endTree(identity.pid ?? 0, identity.nonce, 2000);
    return failure(
      unavailable(
        `The Dolt server that was started is not what was expected: ${problem}.`,
        'See the log in <state>/logs/dolt.log.',
      ),
    );
  } catch (error) {
    if (identity.pid !== null) await endTree(identity.pid, identity.nonce, 2000);
    return asFailure(error);
  }
}

/** Ends our server if it runs; resolves to whether it did. Never touches a process that is not the recorded one. */
export async function stopServer(place: StorePlace): Promise<Result<boolean>> {
  const paths = serverPaths(place.state, place.sockets);
  return withStartLock(paths, async () => {
    const identity = await readIdentity(paths.identity);
    if (identity === null || !serverLives(identity)) return success(false);
    if (!(await endTree(identity.pid, identity.nonce, 10_000)))
      return failure(tryAgain(`The Dolt server ${identity.pid} does not end.`, 'Run `coherence store stop` again.'));
    await rm(paths.identity, { force: true });
    await rm(identity.socket, { force: true });
    return success(true);
  });
}

/** The recorded server if it runs now, without connecting. */
export async function runningServer(place: StorePlace): Promise<(ServerIdentity & { pid: number }) | null> {
  const identity = await readIdentity(serverPaths(place.state, place.sockets).identity);
  return identity !== null && serverLives(identity) ? identity : null;
}

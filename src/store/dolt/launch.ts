/** Starts the server process: under the start lock, on checked data, with its identity written before anybody uses it. */
import { lstat, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { failure, success, type Failure, type Result } from '../../model/index.js';
import { errorCode, writeAtomically } from '../../util/files.js';
import { monotonicMs, pause } from '../../util/monotonic.js';
import { endTree, identityOf, processesWithNonce, startDetached, withNonce } from '../../util/process.js';
import type { StorePlace } from '../place.js';
import { writeDoltHome, type DoltBinary } from './binary.js';
import { connect } from './connection.js';
import { damaged, errorText, isConnectionLoss, saysDiskFull, tryAgain, unavailable } from './failures.js';
import { readIdentity, serverLives, writeIdentity, type ServerIdentity } from './identity.js';
import { inspectData, readMarker, snapshotData } from './inspect.js';
import { serverCommand } from './keeper.js';
import { ensurePassword } from './password.js';
import { SOCKET_PATH_LIMIT, type ServerPaths } from './paths.js';
import { freePort, socketState } from './socket.js';

const ANSWER_LIMIT_MS = 30_000;
const PORT_TRIES = 5;
const LOG_LIMIT = 1024 * 1024;

interface LaunchOptions {
  readonly place: StorePlace;
  readonly paths: ServerPaths;
  readonly binary: DoltBinary;
  readonly nonce: string;
}
export interface Launched {
  readonly identity: ServerIdentity;
  readonly password: string;
}

/** Failures: `damaged-state` (folder as it was), `unavailable`, `try-again`. */
export async function launch(options: LaunchOptions): Promise<Result<Launched>> {
  const { place, paths } = options;
  await endAbandoned(paths);
  const marker = await readMarker(paths.marker);
  if (!marker.ok) return marker;
  const inspected = await inspectData(paths.data, marker.value);
  if (!inspected.ok) return inspected;
  const socket = await clearSocket(paths.socket);
  if (!socket.ok) return socket;
  try {
    await mkdir(paths.data, { recursive: true, mode: 0o700 });
    await mkdir(dirname(paths.log), { recursive: true, mode: 0o700 });
    const password = await ensurePassword(paths);
    if (!password.ok) return password;
    await writeDoltHome(paths.home);
    if (
      await stat(paths.log).then(
        (file) => file.size > LOG_LIMIT,
        () => false,
      )
    )
      await rename(paths.log, `${paths.log}.1`);
    const snapshot = await snapshotData(paths.data);
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      const outcome = await once(options, password.value, port);
      if (outcome.ok) return success({ identity: outcome.value, password: password.value });
      const portTaken = outcome.failures[0]?.message.includes('address already in use') === true;
      if (portTaken && attempt < PORT_TRIES) continue;
      if (outcome.failures[0]?.kind === 'damaged-state') await snapshot.restore();
      return outcome;
    }
  } catch (error) {
    if (!saysDiskFull(errorText(error))) throw error;
    return failure(
      tryAgain(
        `The store cannot start: the disk of ${place.state} is full.`,
        'Free some space and run the command again.',
      ),
    );
  }
}

/** A start that was cut off before its pid was recorded: what carries its nonce is ended. Nobody can be using it. */
async function endAbandoned(paths: ServerPaths): Promise<void> {
  const identity = await readIdentity(paths.identity);
  if (identity === null || identity.pid !== null) return;
  for (const pid of processesWithNonce(identity.nonce)) await endTree(pid, identity.nonce, 2000);
}

const DYING_MS = 2000;

/** Makes room for our socket: refuses a folder that is not ours and a path where another program listens. */
async function clearSocket(path: string): Promise<Result<null>> {
  if (Buffer.byteLength(path) > SOCKET_PATH_LIMIT)
    return failure(
      unavailable(
        `The socket's path ${path} is longer than ${SOCKET_PATH_LIMIT} bytes.`,
        'Set XDG_RUNTIME_DIR to a folder with a shorter path.',
      ),
    );
  const folder = dirname(path);
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { mode: 0o700 }).catch(() => undefined);
  const found = await lstat(folder).catch(() => null);
  if (found === null || !found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
    return failure(
      unavailable(
        `The folder for sockets, ${folder}, is not a folder of ours that is closed to others.`,
        'Remove it, or set XDG_RUNTIME_DIR.',
      ),
    );
  }
  let state = await socketState(path);
  // A server of ours that was just killed is gone from the process table before all its threads have let go of the socket.
  for (
    const until = monotonicMs() + DYING_MS;
    state === 'listening' && monotonicMs() < until;
    state = await socketState(path)
  )
    await pause(50);
  if (state === 'listening')
    return failure(
      unavailable(
        `Another program listens on the store's socket ${path}.`,
        'End that program; the store does not take over a socket in use.',
      ),
    );
  if (state === 'not-a-socket')
    return failure(unavailable(`${path} is in the way of the store's socket and is no socket.`, 'Remove it.'));
  if (state === 'stale') await rm(path, { force: true });
  return success(null);
}

async function once(
  { place, paths, binary, nonce }: LaunchOptions,
  password: string,
  port: number,
): Promise<Result<ServerIdentity>> {
  await writeAtomically(paths.config, configuration(paths, port), 0o600);
  const data = statSync(paths.data);
  const pending: ServerIdentity = {
    boot_id: '',
    pid: null,
    start_ticks: 0,
    nonce,
    ready: false,
    version: binary.version,
    socket: paths.socket,
    port,
    data_device: data.dev,
    data_inode: data.ino,
    started_at: new Date().toISOString(),
  };
  await writeIdentity(paths.identity, pending);
  const log = await open(paths.log, 'a', 0o600);
  const from = (await log.stat()).size;
  const served = serverCommand({
    dolt: binary.path,
    config: paths.config,
    useLock: paths.useLock,
    idleSeconds: place.idleMinutes * 60,
    log: paths.log,
    socket: paths.socket,
  });
  const inherited = Object.fromEntries(
    ['PATH', 'HOME', 'TMPDIR', 'LANG', 'SSL_CERT_FILE', 'SSL_CERT_DIR'].map((name) => [
      name,
      place.env[name] ?? process.env[name],
    ]),
  );
  const environment = withNonce(
    { ...inherited, ...served.env, DOLT_ROOT_PATH: paths.home, DOLT_ROOT_PASSWORD: password },
    nonce,
  );
  const pid = startDetached(served.command, await realpath(paths.data), environment, log.fd);
  await log.close();
  const started = pid === null ? null : identityOf(pid);
  if (pid === null || started === null)
    return failure(unavailable(`${binary.path} could not be started.`, 'Check that it is a working program.'));
  const identity: ServerIdentity = { ...pending, boot_id: started.bootId, pid, start_ticks: started.startTicks };
  await writeIdentity(paths.identity, identity);
  const problem = await answers(identity, paths, password, from);
  if (problem === null) return success(identity);
  await endTree(pid, nonce, 2000);
  await rm(paths.identity, { force: true });
  return failure(problem);
}

/** Waits until the server answers on its socket; otherwise why not. */
async function answers(
  identity: ServerIdentity,
  paths: ServerPaths,
  password: string,
  from: number,
): Promise<Failure | null> {
  const deadline = Date.now() + ANSWER_LIMIT_MS;
  for (;;) {
    const ended = !serverLives(identity);
    const log = (await readFile(paths.log)).subarray(from).toString('utf8');
    if (/unix socket set up failed/i.test(log))
      return unavailable('The Dolt server could not set up its socket.', `See ${paths.log}.`);
    if (ended) return causeOf(log, paths);
    try {
      await (await connect({ kind: 'socket', socket: identity.socket, password }, 5000)).close();
      // Dolt goes on without its socket when that fails; the line may come after the first look.
      return null;
    } catch (error) {
      if (/access denied/i.test(errorText(error)))
        return damaged(
          `The Dolt server does not accept the password in ${paths.password}.`,
          `Remove ${paths.data}/.doltcfg: a new user is then made; the data stays.`,
        );
      if (!isConnectionLoss(error) && errorCode(error) !== 'ETIMEDOUT') throw error;
      if (Date.now() >= deadline)
        return unavailable(
          `The Dolt server did not answer within ${ANSWER_LIMIT_MS / 1000} seconds (${errorText(error)}).`,
          `See ${paths.log}.`,
        );
    }
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Reads off the log why the server ended. What is not known to be harmless counts as damage, since data must not be started afresh. */
function causeOf(log: string, paths: ServerPaths): Failure {
  const lines = log
    .split('\n')
    .filter(
      (line) =>
        line.trim() !== '' && !/secure_file_priv|GRANT FILE|consider restarting|Starting server with Config/.test(line),
    );
  const said = lines.slice(-2).join(' / ').slice(0, 500) || 'it said nothing';
  if (saysDiskFull(log))
    return tryAgain(
      `The Dolt server could not start, the disk is full: ${said}.`,
      'Free some space and run the command again.',
    );
  if (/address already in use/i.test(log))
    return unavailable(`The Dolt server could not start: address already in use.`, 'Run the command again.');
  if (/database .*locked|is locked by another|lock.*held/i.test(log))
    return unavailable(
      `The Dolt server could not start: another dolt works on ${paths.data} (${said}).`,
      'End that program and run the command again.',
    );
  if (/permission denied/i.test(log))
    return unavailable(`The Dolt server could not start: ${said}.`, `Check the permissions below ${paths.data}.`);
  return damaged(`The Dolt server ended at once on ${paths.data}: ${said}.`);
}

function configuration(paths: ServerPaths, port: number): string {
  // Dolt replaces ${NAME} in this file before it parses it.
  const quoted = (text: string): string => JSON.stringify(text).replaceAll('$', '$$$$');
  return [
    'log_level: warning',
    'behavior:',
    '  autocommit: true',
    '  event_scheduler: "OFF"',
    'listener:',
    '  host: 127.0.0.1',
    `  port: ${port}`,
    `  socket: ${quoted(paths.socket)}`,
    `data_dir: ${quoted(paths.data)}`,
    `cfg_dir: ${quoted(`${paths.data}/.doltcfg`)}`,
    '',
  ].join('\n');
}

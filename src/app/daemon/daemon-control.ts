/** Starting, stopping and asking about the daemon. */
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Directories, Project } from '../../config/index.js';
import { failure, success, type Failure, type Result } from '../../model/index.js';
import { exists } from '../../util/files.js';
import { monotonicMs, pause } from '../../util/monotonic.js';
import { identityOf, isAlive, newNonce, startDetached, withNonce, type ProcessIdentity } from '../../util/process.js';
import { askDaemon, connectDaemon, livingDaemon, noDaemon, type LivingDaemon } from './daemon-client.js';
import type { DaemonStatus, ReloadAnswer } from './daemon-protocol.js';
import { openDaemonProject, type Place } from './orchestrator.js';

export interface StartOptions extends Place {
  readonly safeConfig: boolean;
  readonly allowNetworkState: boolean;
  /** Milliseconds until a daemon that neither answers nor ends is given up. */
  readonly patienceMs?: number;
}

interface Report {
  readonly ready: boolean;
  readonly pid?: number;
  readonly failures?: readonly Failure[];
}

const PATIENCE_MS = 60_000;

/** The start of the daemon's and the workers' programs: beside this bundle, or in dist/ when run from the sources' tests. */
export async function startProgram(): Promise<string | null> {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const candidate of [join(here, 'start.cjs'), join(here, '..', '..', 'dist', 'start.cjs')])
    if (await exists(candidate)) return candidate;
  return null;
}

async function readReport(path: string): Promise<Report | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Report; // written by our own daemon, renamed into place
  } catch {
    return null;
  }
}

export const alreadyRunning = (pid: number): Failure => ({
  kind: 'does-not-hold',
  message: `daemon already running (pid ${pid})`,
  hint: '`coherence daemon status` shows it, `coherence daemon stop` ends it.',
});

/** Starts a daemon of its own session and waits until it answers. 1 when one runs, 65 on a broken config, 74 on a damaged state. */
export async function startDaemon(
  options: StartOptions,
): Promise<Result<{ readonly pid: number; readonly project: Project }>> {
  const opened = await openDaemonProject(options, options.safeConfig);
  if (!opened.ok) return opened;
  const project = opened.value;
  const running = await livingDaemon(project.directories.state);
  if (running !== null && (await connectDaemon(project.directories)) !== null)
    return failure(alreadyRunning(running.pid));
  const program = await startProgram();
  if (program === null) return failure({ kind: 'unavailable', message: 'The daemon is not part of this build.' });
  const folder = await mkdtemp(join(tmpdir(), 'coherence-start-'));
  const report = join(folder, 'report.json');
  const output = await open(join(folder, 'output.txt'), 'a+');
  try {
    const command = [
      process.execPath,
      program,
      'daemon',
      '--project',
      options.cwd,
      '--report',
      report,
      ...(options.safeConfig ? ['--safe-config'] : []),
      ...(options.allowNetworkState ? ['--allow-network-state'] : []),
    ];
    const pid = startDetached(command, '/', withNonce(options.env, newNonce()), output.fd);
    if (pid === null) return failure({ kind: 'try-again', message: "The daemon's process could not be started." });
    const identity = identityOf(pid);
    const until = monotonicMs() + (options.patienceMs ?? PATIENCE_MS);
    for (;;) {
      const said = await readReport(report);
      if (said?.ready === true) return success({ pid, project });
      if (said !== null) return failure(...(said.failures ?? []));
      if (identity === null || !isAlive(identity)) {
        const last = await readReport(report);
        if (last?.failures !== undefined) return failure(...last.failures);
        const text = await readFile(join(folder, 'output.txt'), 'utf8').catch(() => '');
        return failure({
          kind: 'try-again',
          message: `The daemon ended before it was ready${text.trim() === '' ? '' : `: ${text.trim().split('\n').slice(-3).join(' ')}`}.`,
          hint: `Its log is ${join(project.directories.state, 'logs', 'daemon.jsonl')}.`,
        });
      }
      if (monotonicMs() > until)
        return failure({
          kind: 'try-again',
          message: `The daemon (pid ${pid}) is not ready yet.`,
          hint: '`coherence daemon status` tells when it is.',
        });
      await pause(15);
    }
  } finally {
    await output.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Null: it runs, but does not answer yet (booting, or stopped by a signal). */
export async function daemonStatus(
  directories: Directories,
): Promise<Result<{ readonly status: DaemonStatus | null; readonly identity: ProcessIdentity | null }>> {
  const answer = await askDaemon(directories, 'status', {}, 5000);
  if (answer.ok)
    return success({
      status: answer.value,
      identity: { bootId: '', pid: answer.value.pid, startTicks: answer.value.start_ticks },
    });
  const identity = await livingDaemon(directories.state);
  if (identity !== null) return success({ status: null, identity });
  return failure(noDaemon(directories.state));
}

/** Sends a signal to a daemon whose identity was verified a moment ago; false where it is not ours to signal. */
function signalDaemon(daemon: LivingDaemon, signal: 'SIGHUP' | 'SIGTERM'): boolean {
  if (!daemon.mayBeSignalled) return false;
  if (isAlive(daemon)) process.kill(daemon.pid, signal);
  return true;
}

const notOursToSignal = (daemon: LivingDaemon): Failure => ({
  kind: 'try-again',
  message: `The daemon (pid ${daemon.pid}) does not answer, and it was not started by \`coherence daemon start\`.`,
  hint: 'End it where it was started.',
});

/** Asks it to stop and waits until that very process is gone. 69 when none runs. */
export async function stopDaemon(
  directories: Directories,
  now: boolean,
  patienceMs: number,
): Promise<Result<{ readonly pid: number }>> {
  const identity = await livingDaemon(directories.state);
  const answer = await askDaemon(directories, 'stop', { now });
  if (!answer.ok) {
    if (identity === null) return failure(noDaemon(directories.state));
    if (!signalDaemon(identity, 'SIGTERM')) return failure(notOursToSignal(identity));
  }
  const watched = identity ?? (answer.ok ? identityOf(answer.value.pid) : null);
  const until = monotonicMs() + patienceMs;
  while (watched !== null && isAlive(watched)) {
    if (monotonicMs() > until)
      return failure({
        kind: 'try-again',
        message: `The daemon (pid ${watched.pid}) has not stopped yet.`,
        hint: '`coherence daemon stop --now` does not wait for what runs.',
      });
    await pause(20);
  }
  return success({ pid: watched?.pid ?? 0 });
}

const RELOAD_MS = 10_000;

/**
 * Reloads and waits for the answer. Where the socket does not answer, a verified process gets SIGHUP, and the new
 * generation is looked for in its log's place: the status. 69 no daemon, 65 rejected, 75 no answer.
 */
export async function reloadSettings(directories: Directories): Promise<Result<ReloadAnswer>> {
  const answer = await askDaemon(directories, 'reload', {}, RELOAD_MS);
  if (answer.ok) return answer.value.errors.length > 0 ? failure(...answer.value.errors) : answer;
  if (answer.failures[0]?.kind !== 'unavailable') return answer;
  const identity = await livingDaemon(directories.state);
  if (identity === null) return failure(noDaemon(directories.state));
  if (!signalDaemon(identity, 'SIGHUP')) return failure(notOursToSignal(identity));
  const until = monotonicMs() + RELOAD_MS;
  while (monotonicMs() < until) {
    const status = await askDaemon(directories, 'status', {}, 1000);
    if (status.ok) return askDaemon(directories, 'reload', {}, RELOAD_MS);
    await pause(100);
  }
  return failure({ kind: 'try-again', message: 'The daemon did not answer within 10 seconds.' });
}

export interface PrivateDaemonHandle extends AsyncDisposable {
  /** What a check must have in its environment to talk to it. */
  readonly env: Readonly<Record<string, string>>;
}

/** A daemon in a state folder of its own, for `requires: [orchestrator]`; ended, with everything it started, on dispose. */
export async function startPrivateDaemon(
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Result<PrivateDaemonHandle>> {
  const folder = await mkdtemp(join(tmpdir(), 'coherence-private-'));
  const own = { COHERENCE_STATE_DIR: join(folder, 'state') };
  const merged = { ...env, ...own };
  const started = await startDaemon({ cwd, env: merged, safeConfig: false, allowNetworkState: true });
  if (!started.ok) {
    await rm(folder, { recursive: true, force: true });
    return started;
  }
  const { directories } = started.value.project;
  return success({
    env: own,
    [Symbol.asyncDispose]: async () => {
      await stopDaemon(directories, true, 30_000);
      await rm(folder, { recursive: true, force: true });
    },
  });
}

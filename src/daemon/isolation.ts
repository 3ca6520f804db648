/**
 * How a worker's tree is held together, strongest first. `pidns`: a pid namespace that the kernel empties when the daemon
 * dies. `group`: a process group and the nonce in the environment; always there, and enough for every promise made here.
 */
import { capture, findProgram } from '../util/process.js';

export type IsolationLevel = 'pidns' | 'group';

export interface Isolation {
  /** What workers are started with. */
  readonly level: IsolationLevel;
  /** What this machine can do. */
  readonly available: readonly IsolationLevel[];
  /** Put before a worker's command line. */
  readonly prefix: readonly string[];
}

/** The namespace gets a /proc of its own: with the outer one its processes would signal by numbers that mean others. */
const PIDNS = ['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];

/**
 * Probes what is there. `pidns` is used where `COHERENCE_ISOLATION=pidns` asks for it: inside, a test sees other process
 * numbers than the rest of the machine, which breaks those that hand a pid to the outside.
 */
export async function probeIsolation(env: Readonly<Record<string, string | undefined>>): Promise<Isolation> {
  const setpriv = await findProgram('setpriv', env['PATH']);
  const unshare = await findProgram('unshare', env['PATH']);
  const prefix = setpriv === null ? [] : [setpriv, ...PIDNS];
  const works =
    setpriv !== null &&
    unshare !== null &&
    (await capture({ command: [...prefix, 'true'], cwd: '/', env, timeoutMs: 5000 })).ok;
  const available: readonly IsolationLevel[] = works ? ['pidns', 'group'] : ['group'];
  const level: IsolationLevel = works && env['COHERENCE_ISOLATION'] === 'pidns' ? 'pidns' : 'group';
  return { level, available, prefix: level === 'pidns' ? prefix : [] };
}

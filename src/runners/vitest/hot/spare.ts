/**
 * A test process that is started before it is needed. vitest runs each file in a fresh process, and starting one (Node,
 * vitest's runtime) is most of the time of a small run; the isolation is the same whether it was started now or a while ago.
 */
import { startFork } from '../../../util/process.js';
import { isVolatile } from './fingerprint.js';

type Child = ReturnType<typeof startFork>;

/** vitest's worker for a forked process, as far as it is touched. */
interface ForksWorker {
  _fork?: Child | undefined;
  readonly entrypoint: string;
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  start(): Promise<void>;
}

const READY = '__coherence_spare_ready__';

/**
 * Waits in the spare for the environment of the test that it gets, and takes itself out of sight. It says when it listens:
 * messages that came earlier are all given to the first listener at once, and vitest's own, sent right behind ours, would be
 * lost on it, which costs a minute until vitest gives that process up.
 */
const PRELOAD = `--import=data:text/javascript,${encodeURIComponent(`//coherence
if (process.send) {
  const take = (message) => {
    if (message === null || typeof message !== 'object' || message.__coherence_spare__ !== true) return;
    process.off('message', take);
    for (const name of Object.keys(process.env)) if (!(name in message.env)) delete process.env[name];
    Object.assign(process.env, message.env);
    const at = process.execArgv.findIndex((word) => word.startsWith('--import=data:text/javascript,%2F%2Fcoherence'));
    if (at !== -1) process.execArgv.splice(at, 1);
  };
  process.on('message', take);
  process.send({ ${READY}: true });
}`)}`;

/** What decides at the start of a process and cannot be changed afterwards. */
const keyOf = (worker: Pick<ForksWorker, 'entrypoint' | 'execArgv' | 'env'>, folder: string): string =>
  JSON.stringify([
    folder,
    worker.entrypoint,
    worker.execArgv,
    Object.entries(worker.env)
      .filter(([name]) => !isVolatile(name))
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  ]);

export interface Spare {
  /** Starts the process for the next run, like the last one that was asked for. */
  prepare(): void;
  close(): void;
}

/** @param forksWorker the class that vitest makes its forks with; its `start` takes the spare where that fits */
export function spareFor(forksWorker: { readonly prototype: object }, folder: string): Spare {
  const prototype = forksWorker.prototype as ForksWorker; // checked: a class without `start` gets no spare
  const original = prototype.start;
  let last: {
    readonly key: string;
    readonly entrypoint: string;
    readonly execArgv: readonly string[];
    readonly env: Readonly<Record<string, string | undefined>>;
  } | null = null;
  let waiting: { readonly key: string; readonly child: Child; isReady: boolean } | null = null;
  const drop = (): void => {
    waiting?.child.kill('SIGKILL');
    waiting = null;
  };
  if (typeof original !== 'function') return { prepare: () => undefined, close: () => undefined };
  prototype.start = async function start(this: ForksWorker): Promise<void> {
    const key = keyOf(this, folder);
    last = { key, entrypoint: this.entrypoint, execArgv: this.execArgv, env: this.env };
    if (
      this._fork === undefined &&
      waiting !== null &&
      waiting.isReady &&
      waiting.key === key &&
      waiting.child.connected
    ) {
      this._fork = waiting.child;
      waiting.child.removeAllListeners('exit');
      waiting.child.removeAllListeners('message');
      waiting.child.send({ __coherence_spare__: true, env: { ...this.env } });
      waiting = null;
    }
    return original.call(this);
  };
  return {
    prepare: () => {
      if (last === null || waiting !== null) return;
      const child = startFork(last.entrypoint, { cwd: folder, env: last.env, execArgv: [...last.execArgv, PRELOAD] });
      const mine = { key: last.key, child, isReady: false };
      const gone = (): void => {
        if (waiting === mine) waiting = null;
      };
      child.once('message', () => {
        mine.isReady = true;
      });
      child.once('exit', gone);
      child.on('error', gone);
      waiting = mine;
    },
    close: () => {
      drop();
      prototype.start = original;
    },
  };
}

/** Entry of the daemon's process. The first import registers the signal handlers, before anything heavy is loaded. */
import { listenToSignals } from './signals.js';

export interface Launch {
  readonly cwd: string;
  readonly safeConfig: boolean;
  readonly allowNetworkState: boolean;
  /** Called when the daemon answers. */
  readonly onReady: (facts: { readonly pid: number; readonly socket: string }) => void;
}

/** Runs the daemon in this process. For the `daemon foreground` command and for the process that `daemon start` makes. */
export async function daemon(launch: Launch): Promise<Awaited<ReturnType<typeof import('./run.js').runDaemon>>> {
  const { runDaemon } = await import('./run.js');
  const { resolve } = await import('node:path');
  // Workers start elsewhere: what was given relative to the caller's folder must mean the same there.
  for (const name of ['COHERENCE_STATE_DIR', 'COHERENCE_CACHE_DIR', 'COHERENCE_CONFIG']) {
    const value = process.env[name];
    if (value !== undefined && value !== '') process.env[name] = resolve(launch.cwd, value);
  }
  return runDaemon({ ...launch, env: process.env, onSignals: listenToSignals });
}

async function detached(argv: readonly string[]): Promise<number> {
  const { writeAtomically } = await import('../util/files.js');
  const { exitCodeOf } = await import('../model/index.js');
  const value = (name: string): string | undefined => argv[argv.indexOf(name) + 1];
  const report = argv.includes('--report') ? value('--report') : undefined;
  const say = async (what: object): Promise<void> => {
    if (report !== undefined) await writeAtomically(report, JSON.stringify(what), 0o600).catch(() => undefined);
  };
  const result = await daemon({
    cwd: value('--project') ?? process.cwd(),
    safeConfig: argv.includes('--safe-config'),
    allowNetworkState: argv.includes('--allow-network-state'),
    onReady: (facts) => void say({ ready: true, ...facts }),
  });
  if (result.ok) return 0;
  await say({ ready: false, failures: result.failures });
  return exitCodeOf(result.failures);
}

/** Runs the daemon as this process and ends it. */
export async function main(argv: readonly string[]): Promise<void> {
  process.exit(await detached(argv));
}

/** `daemon foreground`: this process becomes the daemon. */
import { createRequire } from 'node:module';
import { startProgram } from '../../app/index.js';
import type { Failure, Result } from '../../model/index.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';

/** What the daemon's bundle exports; it is another face, so it is loaded as a program and not imported. */
interface DaemonModule {
  daemon(launch: {
    readonly cwd: string;
    readonly safeConfig: boolean;
    readonly allowNetworkState: boolean;
    readonly onReady: (facts: { readonly pid: number }) => void;
  }): Promise<Result<null>>;
}

export async function foreground(input: Input, context: CommandContext): Promise<number> {
  const program = await startProgram();
  const missing: Failure = { kind: 'unavailable', message: 'The daemon is not part of this build.' };
  if (program === null) return reportFailures([missing], context.streams);
  // Our own build, of the same version.
  const { daemon } = (createRequire(import.meta.url)(program) as { program(name: 'daemon'): DaemonModule }).program(
    'daemon',
  );
  // From here on signals are the daemon's: the command line's own handlers would end the process.
  for (const name of ['SIGHUP', 'SIGTERM', 'SIGINT'] as const)
    for (const listener of process.listeners(name).slice(0, -1)) process.removeListener(name, listener);
  const result = await daemon({
    cwd: context.cwd,
    safeConfig: input.flag('safe-config'),
    allowNetworkState: input.flag('allow-network-state'),
    onReady: ({ pid }) => {
      if (!context.quiet) context.streams.err(`daemon ready (pid ${pid})\n`);
    },
  });
  return result.ok ? 0 : reportFailures(result.failures, context.streams);
}

/** Messages to systemd (`READY=1`, `WATCHDOG=1`) where it asks for them; Node has no datagram sockets, so its own program sends them. */
import { run } from '../util/process.js';

export function serviceNotifier(
  env: Readonly<Record<string, string | undefined>>,
): (message: 'READY=1' | 'WATCHDOG=1' | 'STOPPING=1') => void {
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return () => undefined;
  return (message) =>
    void run({ command: ['systemd-notify', `--pid=${process.pid}`, message], cwd: '/', env, timeoutMs: 5000 });
}

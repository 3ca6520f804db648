/**
 * Signals of the daemon. Importing this file registers the handlers, so it comes before anything heavy: a SIGHUP that
 * arrives without a handler ends Node. What a signal means is decided later; until then it is kept.
 */
export type SignalName = 'SIGHUP' | 'SIGTERM' | 'SIGINT';

let listener: ((name: SignalName) => void) | null = null;
const kept: SignalName[] = [];

for (const name of ['SIGHUP', 'SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    if (listener === null) kept.push(name);
    else listener(name);
  });
}
// A client that went away while it was answered is no reason to die.
process.on('SIGPIPE', () => undefined);

/** Hands signals to `receive` from now on, those first that came before. */
export function listenToSignals(receive: (name: SignalName) => void): void {
  listener = receive;
  for (const name of kept.splice(0)) receive(name);
}

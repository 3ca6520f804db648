/**
 * Named places where a test may make this process die, stop or fail: `COHERENCE_FAILPOINTS="K3=kill;K8=kill@2;sweep=enospc"`.
 * Honoured only with `COHERENCE_TEST=1`; otherwise a call costs one comparison. `@n` means the n-th time that the place is reached.
 */
type Action = 'kill' | 'stop' | 'throw' | 'enospc';

interface Armed {
  readonly action: Action;
  readonly at: number;
  seen: number;
}

let armed: Map<string, Armed> | null = null;

function parse(text: string): Map<string, Armed> {
  const result = new Map<string, Armed>();
  for (const part of text.split(';')) {
    const match = /^\s*([\w.-]+)=(kill|stop|throw|enospc)(?:@(\d+))?\s*$/.exec(part);
    if (match === null) continue;
    // The pattern has these groups.
    result.set(match[1] as string, { action: match[2] as Action, at: Number(match[3] ?? 1), seen: 0 });
  }
  return result;
}

/** An error that looks like the one of a full disk, for the places that must cope with it. */
const diskFull = (): Error =>
  Object.assign(new Error('ENOSPC: no space left on device (failpoint)'), { code: 'ENOSPC' });

/** Does nothing, or what a test asked for at this place. `enospc` and `throw` act each time from the n-th on. */
export function failpoint(name: string): void {
  if (process.env['COHERENCE_TEST'] !== '1') return;
  armed ??= parse(process.env['COHERENCE_FAILPOINTS'] ?? '');
  const found = armed.get(name);
  if (found === undefined) return;
  found.seen += 1;
  if (found.seen < found.at) return;
  switch (found.action) {
    case 'kill':
      if (found.seen === found.at) process.kill(process.pid, 'SIGKILL');
      return;
    case 'stop':
      if (found.seen === found.at) process.kill(process.pid, 'SIGSTOP');
      return;
    case 'throw':
      throw new Error(`failpoint ${name}`);
    case 'enospc':
      throw diskFull();
  }
}

/** `daemon logs` */
import { open, readFile, stat } from 'node:fs/promises';
import { logPath } from '../../app/index.js';
import { pause } from '../../util/monotonic.js';
import { visible } from '../../util/text.js';
import type { CommandContext, Input } from '../table/types.js';
import { withFolders } from './context.js';

const DEFAULT_LINES = 100;

export async function logs(input: Input, context: CommandContext): Promise<number> {
  return withFolders(context, async (project) => {
    const path = logPath(project.directories.state);
    const event = input.text('event');
    const wanted = (line: string): boolean =>
      line !== '' && (event === undefined || line.includes(`"event":${JSON.stringify(event)}`));
    const text = await readFile(path, 'utf8').catch(() => '');
    const lines = text.split('\n').filter(wanted);
    const count = input.number('lines') ?? DEFAULT_LINES;
    for (const line of count === 0 ? lines : lines.slice(-count)) context.streams.out(`${visible(line)}\n`);
    if (!input.flag('follow')) return 0;
    let position = Buffer.byteLength(text);
    let rest = '';
    while (!context.signal.aborted) {
      await pause(200, context.signal);
      const size = await stat(path).then(
        (found) => found.size,
        () => 0,
      );
      // A smaller file is a new one: the log was rotated.
      if (size < position) position = 0;
      if (size === position) continue;
      const file = await open(path, 'r');
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(size - position), 0, size - position, position);
        position += bytesRead;
        const parts = (rest + buffer.subarray(0, bytesRead).toString('utf8')).split('\n');
        rest = parts.pop() ?? '';
        for (const line of parts.filter(wanted)) context.streams.out(`${visible(line)}\n`);
      } finally {
        await file.close();
      }
    }
    return 0;
  });
}

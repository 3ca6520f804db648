/** Keeps the last bytes of a stream in memory and writes the rest to a file, up to a limit: a flood costs neither memory nor the disk. */
import { createWriteStream, type WriteStream } from 'node:fs';

const RING_BYTES = 1024 * 1024;
const FILE_BYTES = 64 * 1024 * 1024;

export interface OutputRing {
  push(chunk: Buffer): void;
  /** The end of what came, at most `limit` bytes, as text. */
  tail(limit: number): string;
  close(): void;
}

/** The file is made with the first byte. */
export function outputRing(path: string): OutputRing {
  let chunks: Buffer[] = [];
  let kept = 0;
  let written = 0;
  let file: WriteStream | null = null;
  return {
    push: (chunk) => {
      chunks.push(chunk);
      kept += chunk.length;
      if (kept > RING_BYTES * 2) {
        const all = Buffer.concat(chunks);
        chunks = [Buffer.from(all.subarray(all.length - RING_BYTES))];
        kept = RING_BYTES;
      }
      if (written >= FILE_BYTES) return;
      if (file === null) {
        file = createWriteStream(path, { mode: 0o600 });
        // A full disk loses this copy, not the run.
        file.on('error', () => undefined);
      }
      // A file that cannot keep up is not waited for: what it misses is still in the ring.
      if (file.writableLength < RING_BYTES) file.write(chunk.subarray(0, FILE_BYTES - written));
      written += chunk.length;
    },
    tail: (limit) => {
      const all = Buffer.concat(chunks);
      return all.subarray(Math.max(0, all.length - limit)).toString('utf8');
    },
    close: () => file?.end(),
  };
}

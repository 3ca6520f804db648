/** Docker's multiplexed stream: frames of 8 bytes head (stream, 0, 0, 0, length as 32 bits big endian) and the payload. */
export type StreamName = 'stdout' | 'stderr';

export interface Demux {
  /** Null, or what is wrong with the bytes: after that nothing more is taken. */
  write(chunk: Buffer): string | null;
  /** Null when the stream ended between two frames. */
  end(): string | null;
}

/** Payloads are handed on as they come, without waiting for the whole frame: nothing is buffered but a partial head. */
export function demux(take: (stream: StreamName, bytes: Buffer) => void): Demux {
  const head = Buffer.alloc(8);
  let inHead = 0;
  let left = 0;
  let stream: StreamName = 'stdout';
  let broken: string | null = null;
  return {
    write: (chunk) => {
      let at = 0;
      while (broken === null && at < chunk.length) {
        if (left > 0) {
          const piece = chunk.subarray(at, at + left);
          at += piece.length;
          left -= piece.length;
          take(stream, piece);
          continue;
        }
        const copied = chunk.copy(head, inHead, at, at + 8 - inHead);
        at += copied;
        inHead += copied;
        if (inHead < 8) continue;
        inHead = 0;
        const kind = head[0];
        if (kind === undefined || kind > 2 || head[1] !== 0 || head[2] !== 0 || head[3] !== 0) {
          broken = 'the output stream of the container is not in frames';
          break;
        }
        stream = kind === 2 ? 'stderr' : 'stdout';
        left = head.readUInt32BE(4);
      }
      return broken;
    },
    end: () => broken ?? (left > 0 || inHead > 0 ? 'the output stream of the container was cut inside a frame' : null),
  };
}

/**
 * Git blob ids of working-tree bytes, computed here: no filter of the repository is ever run.
 */
import { createHash } from 'node:crypto';
import { open, readlink } from 'node:fs/promises';
import { join } from 'node:path';

export type BlobAlgorithm = 'sha1' | 'sha256';

/** The id that git gives to these bytes when no filter applies. */
export const blobId = (bytes: Uint8Array, algorithm: BlobAlgorithm = 'sha1'): string =>
  createHash(algorithm).update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

const CHUNK = 1 << 20;

/**
 * The blob id of what is on disk: content of a file, target of a symlink. Null when it cannot be read or
 * changes its length while it is read. Large files are streamed.
 */
export async function blobIdOnDisk(
  root: string,
  path: string,
  kind: 'file' | 'symlink',
  algorithm: BlobAlgorithm,
): Promise<string | null> {
  const absolute = join(root, path);
  try {
    if (kind === 'symlink') return blobId(Buffer.from(await readlink(absolute)), algorithm);
    const handle = await open(absolute, 'r');
    try {
      const { size } = await handle.stat();
      const hash = createHash(algorithm).update(`blob ${size}\0`);
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size + 1));
      let total = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) break;
        total += bytesRead;
        hash.update(buffer.subarray(0, bytesRead));
      }
      return total === size ? hash.digest('hex') : null;
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}

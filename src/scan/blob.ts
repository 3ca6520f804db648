import { createHash } from 'node:crypto';

/** Git's blob id of bytes: names contents in the cache the way git's index does, so both can be compared. */
export const blobId = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

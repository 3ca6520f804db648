/**
 * A full disk. A reserve file gives the journal room to write down that the disk is full and to store the verdicts of what
 * runs; nothing new starts until space is back, and then everything goes on by itself.
 */
import { closeSync, fsyncSync, openSync, statfsSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const RESERVE_LIMIT = 8 * 1024 * 1024;
/** Below this the journal cannot be relied on to grow. */
const MINIMUM_FREE = 192 * 1024;

export interface Disk {
  /** Makes the reserve where it is missing and there is room for it. */
  reserve(): void;
  /** Gives the reserve back to the file system. */
  release(): void;
  free(): number;
  /** Too little left to accept anything new. */
  isFull(): boolean;
  /** Enough to accept work again and to make the reserve anew. */
  hasRecovered(): boolean;
}

export function openDisk(stateFolder: string): Disk {
  const path = join(stateFolder, 'reserve.bin');
  const free = (): number => {
    try {
      const found = statfsSync(stateFolder);
      return found.bavail * found.bsize;
    } catch {
      return Number.MAX_SAFE_INTEGER;
    }
  };
  /** The smaller of 8 MiB and an eighth of what was free. */
  let size = Math.min(RESERVE_LIMIT, Math.floor(free() / 8));
  return {
    free,
    reserve: () => {
      const there = statSync(path, { throwIfNoEntry: false });
      if (there !== undefined) {
        size = there.size;
        return;
      }
      const available = free();
      size = Math.min(RESERVE_LIMIT, Math.floor(available / 8));
      if (size < 4096) return;
      try {
        const file = openSync(path, 'wx', 0o600);
        try {
          // Written, not only allocated: some file systems promise space that they do not have.
          const block = Buffer.alloc(Math.min(size, 1024 * 1024));
          for (let at = 0; at < size; at += block.length) writeSync(file, block, 0, Math.min(block.length, size - at));
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
      } catch {
        try {
          unlinkSync(path);
        } catch {
          // It was never made.
        }
      }
    },
    release: () => {
      try {
        size = statSync(path).size;
        unlinkSync(path);
      } catch {
        // There was none.
      }
    },
    isFull: () => free() < MINIMUM_FREE,
    hasRecovered: () => free() > Math.max(2 * size, 4 * MINIMUM_FREE),
  };
}

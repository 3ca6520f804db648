/**
 * Kernel locks without a native addon: a file is opened here and locked by `flock` on the inherited descriptor.
 * The lock lives on the open file description, so it ends with this process, SIGKILL included.
 */
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flockDescriptor } from './process.js';

export interface Lock extends AsyncDisposable {
  /** False when the lock file was deleted or replaced while it was held: somebody else may hold the new one. */
  isCurrent(): Promise<boolean>;
  release(): Promise<void>;
  readonly handle: FileHandle;
}

export type LockResult =
  | { readonly taken: true; readonly lock: Lock }
  | { readonly taken: false; readonly why: 'busy' | 'unsupported' };

/**
 * Takes the lock of `path` (made if needed, mode 0600), waiting up to `waitMs` without blocking the event loop.
 * Node opens files close-on-exec, so children of ours do not inherit it.
 */
export async function takeLock(
  path: string,
  waitMs = 0,
  mode: 'exclusive' | 'shared' = 'exclusive',
): Promise<LockResult> {
  await mkdir(dirname(path), { recursive: true });
  const deadline = Date.now() + waitMs;
  for (;;) {
    const handle = await open(path, 'a+', 0o600);
    const answer = flockDescriptor(handle.fd, mode, 0);
    if (answer === 'taken') {
      const lock: Lock = {
        handle,
        isCurrent: async () => {
          const [mine, there] = await Promise.all([handle.stat(), stat(path).catch(() => null)]);
          return there !== null && there.ino === mine.ino && there.dev === mine.dev;
        },
        release: async () => handle.close(),
        [Symbol.asyncDispose]: async () => handle.close(),
      };
      if (await lock.isCurrent()) return { taken: true, lock };
      await handle.close();
      continue;
    }
    await handle.close();
    if (answer === 'unsupported' || Date.now() >= deadline) return { taken: false, why: answer };
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 30));
  }
}

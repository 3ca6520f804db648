/**
 * Handing back what a container's root left behind, where we are not root ourselves: a small container of the same image
 * changes the owner. The check's own container is never started again for it, which would run the test a second time.
 */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Api } from './api.js';
import { BARE, runMain } from './container.js';
import type { Owner } from './owner.js';

/** Whether something in the folder is not ours, or cannot be looked at. */
export async function holdsForeign(folder: string, user: number): Promise<boolean> {
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if ((await lstat(path)).uid !== user) return true;
      if (entry.isDirectory() && (await holdsForeign(path, user))) return true;
    }
    return false;
  } catch {
    return true;
  }
}

export interface Reclaiming {
  readonly api: Api;
  readonly owner: Owner;
  readonly image: string;
  readonly container: string;
  readonly folders: readonly string[];
  readonly user: number;
  readonly group: number;
}

/** Null, or why the entries could not be handed back: a warning, never a verdict. */
export async function reclaim(request: Reclaiming): Promise<string | null> {
  const targets = request.folders.map((_, index) => `/coherence/reclaim/${index}`);
  let said = '';
  const end = await runMain(
    request.api,
    request.owner,
    {
      ...BARE,
      name: request.container,
      kind: 'reclaim',
      image: request.image,
      command: ['chown', '-hR', `${request.user}:${request.group}`, ...targets],
      mounts: request.folders.map((source, index) => ({ source, target: targets[index] ?? '', readOnly: false })),
      capabilities: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
    },
    // Not the run's signal: a canceled run cleans up as well.
    {
      timeoutMs: 60_000,
      signal: new AbortController().signal,
      onOutput: (_, bytes) => (said += bytes.toString('utf8').slice(0, 500)),
    },
  );
  if (end.code === 0) return null;
  return (
    end.trouble?.message ??
    (said.trim() || (end.timedOut ? 'chown did not end' : `chown exited with ${String(end.code)}`))
  );
}

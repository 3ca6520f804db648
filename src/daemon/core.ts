/** What all parts of a running daemon share. Built once by `boot`, handed to everybody as it is. */
import type { Place, ReloadAnswer, Settings } from '../app/index.js';
import type { Project } from '../app/index.js';
import type { Journal } from '../journal/index.js';
import type { RunEvent } from '../model/index.js';
import type { Disk } from './disk.js';
import type { DurableWriter } from './durable.js';
import type { Isolation } from './isolation.js';
import type { Log } from '../journal/index.js';
import type { Audit } from './reap/audit.js';
import type { Wake } from './schedule/wake.js';

export interface Core {
  readonly place: Place;
  readonly project: Project;
  readonly stateFolder: string;
  readonly instance: string;
  readonly journal: Journal;
  readonly log: Log;
  readonly audit: Audit;
  readonly disk: Disk;
  readonly durable: DurableWriter;
  readonly isolation: Isolation;
  /** What a worker's process runs: the start of this build, which takes the program's name. */
  readonly program: string;
  readonly wake: Wake;
  /** Aborted when the daemon stops taking work. */
  readonly draining: AbortSignal;
  settings(): Settings;
  generation(): number;
  reload(): Promise<ReloadAnswer>;
  /** Deletes at once what waits in the trash, and warm directories over their limits. */
  freeSpace(): Promise<void>;
  /** Work in the background that a stop waits for (deletions). */
  background(work: Promise<unknown>): void;
  /** Environments of interactive callers, by run; in memory only. */
  readonly environments: Map<string, Readonly<Record<string, string>>>;
  readonly watchers: Watchers;
}

/** Clients that wait for runs. */
export interface Watchers {
  /** Gives the function that ends the watch. */
  add(runId: string, watcher: { event(event: RunEvent): void; ended(): void }): () => void;
  event(runId: string, event: RunEvent): void;
  ended(runId: string): void;
}

export function createWatchers(): Watchers {
  const all = new Map<string, Set<{ event(event: RunEvent): void; ended(): void }>>();
  return {
    add: (runId, watcher) => {
      const set = all.get(runId) ?? new Set();
      set.add(watcher);
      all.set(runId, set);
      return () => {
        set.delete(watcher);
        if (set.size === 0) all.delete(runId);
      };
    },
    event: (runId, event) => {
      for (const watcher of all.get(runId) ?? []) watcher.event(event);
    },
    ended: (runId) => {
      for (const watcher of all.get(runId) ?? []) watcher.ended();
    },
  };
}

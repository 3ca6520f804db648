/**
 * Time limits inside a process that runs many tests: the reporter says which test starts and ends, each has its own
 * limit, and a process that reports nothing at all for too long is ended as well.
 */
import type { Executed, Invocation, Workspace } from './adapters.js';

/** How long a run may be silent before its first test starts: loading, compiling, collecting. */
const STARTUP_MS = 30_000;
/** Added to the longest limit of the waiting cases once tests run: teardown, the next file's load. */
const SLACK_MS = 2_000;
const POLL_MS = 50;
/** How long a process may live on after its run has reported its end: teardown of the project's own, left-over timers. */
const LINGER_MS = 5_000;

export class Watchdog {
  private readonly running = new Map<string, { readonly since: number; readonly limitMs: number }>();
  private last = performance.now();
  private begun = false;
  private over = false;
  private readonly files = new Set<string>();
  /** Keys of tests whose own limit has passed. */
  readonly overdue = new Set<string>();
  /** True when the run was ended for its silence, with no test's own limit passed. */
  stalled = false;

  /** `longestMs`: the longest limit of the cases; `startupMs`: allowed before the first test starts. */
  constructor(
    private readonly longestMs: number,
    private readonly startupMs: number = STARTUP_MS,
  ) {}

  /** A file is being loaded, which may take as long as the start of a run; until `loaded`. */
  loading(key: string): void {
    this.progress();
    this.files.add(key);
  }

  loaded(key: string): void {
    this.progress();
    this.files.delete(key);
  }

  /** Something was reported. */
  progress(): void {
    this.last = performance.now();
  }

  /** A test has started; `limitMs` null for one that nobody asked for. */
  started(key: string, limitMs: number | null): void {
    this.begun = true;
    this.progress();
    if (limitMs !== null) this.running.set(key, { since: performance.now(), limitMs });
  }

  ended(key: string): void {
    this.begun = true;
    this.progress();
    this.running.delete(key);
  }

  /** A test that waits for others (Go's `t.Parallel`) does not use up its time. */
  paused(key: string): void {
    this.progress();
    this.running.delete(key);
  }

  /** The run has reported its end: what is still alive soon after is ended without prejudice. */
  finished(): void {
    this.progress();
    this.over = true;
    this.running.clear();
  }

  /** True when the run has to be ended now. */
  expired(): boolean {
    const now = performance.now();
    for (const [key, { since, limitMs }] of this.running) if (now - since > limitMs) this.overdue.add(key);
    if (this.overdue.size > 0) return true;
    if (this.over) return now - this.last > LINGER_MS;
    const limit = this.longestMs + (this.begun && this.files.size === 0 ? SLACK_MS : this.startupMs);
    this.stalled = now - this.last > limit;
    return this.stalled;
  }
}

export interface Watched {
  readonly executed: Executed;
  /** True when the watchdog ended it. */
  readonly expired: boolean;
}

/** Runs a program under a watchdog; `poll` reads what was reported since its last call and tells the watchdog. */
export async function executeWatched(
  workspace: Workspace,
  invocation: Invocation,
  signal: AbortSignal,
  watchdog: Watchdog,
  poll: () => Promise<void>,
): Promise<Watched> {
  const controller = new AbortController();
  let expired = false;
  let busy: Promise<void> | null = null;
  const round = async (): Promise<void> => {
    await poll();
    if (!expired && watchdog.expired()) {
      expired = true;
      controller.abort();
    }
  };
  const timer = setInterval(() => {
    busy ??= round().finally(() => {
      busy = null;
    });
  }, POLL_MS);
  try {
    const executed = await workspace.exec(invocation, AbortSignal.any([signal, controller.signal]));
    clearInterval(timer);
    await busy;
    await poll();
    return { executed, expired };
  } finally {
    clearInterval(timer);
  }
}

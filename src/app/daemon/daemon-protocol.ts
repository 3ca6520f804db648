/**
 * What is said over the daemon's socket: JSON lines. A request has a number; its answer carries the same one, and so do
 * the events that come before it.
 */
import type { Failure, RunEvent } from '../../model/index.js';
import type { NewRun, RunRow } from '../../journal/index.js';

export interface PoolWorker {
  readonly name: string;
  readonly key: string;
  readonly root: string;
  readonly pid: number;
  readonly start_ticks: number;
  readonly state: 'starting' | 'idle' | 'busy';
  readonly run_id: string | null;
  readonly idle_ms: number;
}

export interface ActiveRun {
  readonly run_id: string;
  readonly spec_id: string;
  readonly state: string;
  readonly attempt: number;
  readonly fence: number;
  readonly pid: number | null;
  readonly start_ticks: number | null;
  readonly warm: string | null;
}

export interface DaemonStatus {
  readonly state: 'booting' | 'ready' | 'degraded' | 'draining';
  readonly degraded: string | null;
  readonly pid: number;
  readonly start_ticks: number;
  readonly instance_id: string;
  readonly started_at: string;
  readonly project: string;
  readonly state_dir: string;
  readonly socket: string;
  readonly generation: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly isolation: { readonly level: string; readonly available: readonly string[] };
  readonly active: readonly ActiveRun[];
  readonly queued: number;
  readonly parked: number;
  readonly pool: readonly PoolWorker[];
  readonly outbox_pending: number;
  readonly boot_ms: number;
  readonly reap: Readonly<Record<string, unknown>>;
  readonly sweep: Readonly<Record<string, unknown>>;
  readonly memory_bytes: number;
}

export interface ReloadAnswer {
  readonly generation: number;
  /** Hot keys with a new value. */
  readonly applied: Readonly<Record<string, { readonly from: unknown; readonly to: unknown }>>;
  readonly unchanged: readonly string[];
  /** Keys with a new value that only a restart takes. */
  readonly requires_restart: readonly string[];
  readonly errors: readonly Failure[];
}

export type SweepJson = Readonly<Record<string, number | boolean>>;

/** Parameters and answer of each method. */
export interface Methods {
  readonly status: { readonly params: Record<string, never>; readonly answer: DaemonStatus };
  readonly reload: { readonly params: Record<string, never>; readonly answer: ReloadAnswer };
  readonly stop: {
    readonly params: { readonly now: boolean };
    readonly answer: { readonly pid: number; readonly start_ticks: number };
  };
  /** `env` is the caller's environment for interactive runs; it stays in memory and is never stored. */
  readonly enqueue: {
    readonly params: { readonly runs: readonly NewRun[]; readonly env?: Readonly<Record<string, string>> };
    readonly answer: { readonly runs: readonly { readonly run: RunRow; readonly repeated: boolean }[] };
  };
  readonly cancel: { readonly params: { readonly run_id: string }; readonly answer: { readonly run: RunRow } };
  readonly retry: { readonly params: { readonly run_id: string }; readonly answer: { readonly run: RunRow } };
  /** Answers when the run has ended; its events come before that. */
  readonly wait: { readonly params: { readonly run_id: string }; readonly answer: { readonly run: RunRow } };
  readonly pool: {
    readonly params: Record<string, never>;
    readonly answer: { readonly workers: readonly PoolWorker[] };
  };
  readonly evict: {
    readonly params: { readonly name: string | null };
    readonly answer: { readonly evicted: readonly string[] };
  };
  readonly warm: {
    readonly params: { readonly root: string; readonly slug: string };
    readonly answer: { readonly worker: PoolWorker; readonly fresh: boolean };
  };
  readonly sweep: {
    readonly params: { readonly dry_run: boolean; readonly repo: string };
    readonly answer: { readonly report: SweepJson };
  };
}

export type MethodName = keyof Methods;

export interface RequestLine<M extends MethodName = MethodName> {
  readonly id: number;
  readonly method: M;
  readonly params: Methods[M]['params'];
}

export type AnswerLine =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly failures: readonly Failure[] }
  | { readonly id: number; readonly event: RunEvent };

/** A line longer than this ends the connection. */
export const LINE_LIMIT = 64 * 1024 * 1024;

/** Splits a stream into lines; gives null once a line grew past the limit. */
export function lineSplitter(onLine: (line: string) => void): (chunk: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const end = rest.indexOf(10);
      if (end === -1) return rest.length <= LINE_LIMIT;
      const line = rest.subarray(0, end).toString('utf8');
      rest = rest.subarray(end + 1);
      if (line !== '') onLine(line);
    }
  };
}

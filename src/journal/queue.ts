/**
 * The queue as the scheduler sees it. The local journal is the default; many machines later are another implementation
 * (architecture.md). Every write about a claimed run carries its fence: a worker of an earlier claim changes nothing.
 */
import type { Verdict } from '../model/index.js';
import type { Backend, CriterionResult, NewRun, RunRow } from './types.js';

/** What a claim must leave alone for now: the class limits on top of `max_workers`. */
export interface Blocked {
  readonly backends: readonly Backend[];
  /** Sessions whose cargo lock is taken. */
  readonly cargoSessions: readonly string[];
  /** Runs that cannot start in this tick: they went back, and the slot goes to somebody else. */
  readonly runs: readonly string[];
}

export interface Claimed {
  readonly run_id: string;
  readonly fence: number;
}

export type Enqueued = { readonly run: RunRow; readonly repeated: boolean };

export interface Ending {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly detail: string;
}

export interface Queue {
  /** All of them or none. A run whose `dedupe_key` is known is not made again: the earlier one is given back. */
  enqueue(runs: readonly NewRun[]): readonly Enqueued[];
  /** The next runs that may start, at most `count`, each with a fence of its own, one higher than any before it. */
  claim(count: number, instance: string, blocked?: Blocked): readonly RunRow[];
  /** True while the claim is still the valid one. */
  heartbeat(claimed: Claimed): boolean;
  /** Stores one criterion's verdict; false when the fence is stale, and then nothing is stored. */
  record(result: CriterionResult): boolean;
  /** Ends the run and, when it did not pass, the runs that waited for it. False when the fence is stale. */
  complete(claimed: Claimed, ending: Ending): boolean;
  /** Back into the queue, due after `delayMs`. False when the fence is stale. */
  fail(
    claimed: Claimed,
    why: {
      readonly reason: string;
      readonly detail: string;
      readonly delayMs: number;
      readonly counts: boolean;
      readonly started: boolean;
    },
  ): boolean;
  /** Ends a run that waits. Gives the run as it is now; a claimed one is left to its owner. Null: no such run. */
  cancel(runId: string, why: string): RunRow | null;
}

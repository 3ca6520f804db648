import { monotonicMs } from '../util/monotonic.js';
import { bootId } from '../util/process.js';
import type { Moment } from './types.js';

/** Time as the journal needs it: durations are monotonic, the wall clock is for people only. */
export interface Clock {
  readonly bootId: string;
  mono(): number;
  /** ISO 8601, for display. */
  now(): string;
}

export const systemClock = (): Clock => {
  const boot = bootId();
  return { bootId: boot, mono: monotonicMs, now: () => new Date().toISOString() };
};

export const momentNow = (clock: Clock): Moment => ({ boot_id: clock.bootId, mono: clock.mono() });

/** Milliseconds since a stored moment; null when it is of another boot, which no clock of ours can measure from. */
export const elapsedSince = (moment: Moment, clock: Clock): number | null =>
  moment.boot_id === clock.bootId ? clock.mono() - moment.mono : null;

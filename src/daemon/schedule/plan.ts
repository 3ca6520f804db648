/** How many workers a tick starts. */
import { randomInt } from 'node:crypto';

/** `min(max_workers ∸ active, spawns_per_tick)`. Lowering `max_workers` below `active` starts none and ends none. */
export const toSpawn = (maxWorkers: number, active: number, spawnsPerTick: number): number =>
  Math.min(Math.max(0, maxWorkers - active), spawnsPerTick);

/** Milliseconds between two starts of a batch, uniform over [min, max]. */
export const jitter = (minimum: number, maximum: number): number =>
  maximum <= minimum ? minimum : randomInt(minimum, maximum + 1);

const BACKOFF_CAP_MS = 300_000;

/** 2^n seconds for the n-th failed start in a row, at most five minutes. */
export const backoffMs = (failures: number): number => Math.min(BACKOFF_CAP_MS, 1000 * 2 ** Math.min(failures, 20));

/** Which folders a sweep may take. A function of data: everything it decides on was read before. */
import type { LedgerRow } from './ledger.js';
import type { Manifest } from './manifest.js';
import type { LockReason } from './names.js';

/** One folder with our prefix, or one entry of git's list below our roots whose folder is gone. */
export interface Found {
  readonly path: string;
  readonly folder: 'there' | 'gone';
  readonly row: LedgerRow | null;
  readonly manifest: Manifest | null;
  /** Our lock reason on git's entry; null: no entry, or not locked by us. */
  readonly reason: LockReason | null;
  /** Pids with their current folder, root or an open file in it. */
  readonly occupants: readonly number[];
  /** Something in it belongs to another user, or is immutable. */
  readonly foreign: boolean;
}

export type Decision =
  | { readonly kind: 'sweep'; readonly found: Found; readonly repo: string | null }
  | { readonly kind: 'close'; readonly found: Found; readonly repo: string | null }
  | { readonly kind: 'live'; readonly found: Found }
  | { readonly kind: 'foreign-owned'; readonly found: Found; readonly repo: string | null }
  | { readonly kind: 'not-ours'; readonly found: Found }
  | { readonly kind: 'leave'; readonly found: Found };

export const instanceOf = (found: Found): string | null =>
  found.row?.instance_id ?? found.manifest?.instance ?? found.reason?.instance ?? null;

/**
 * A folder is swept when it has our prefix, and a ledger row, a valid manifest or our lock reason says that it is ours,
 * and its owner is dead, and nobody is inside. `close`: the folder is gone and only its traces are left.
 */
export function decide(
  found: Found,
  repoOfEntry: string | null,
  isOwnerDead: (instance: string, manifest: Manifest | null) => boolean,
): Decision {
  const instance = instanceOf(found);
  if (instance === null) return { kind: 'not-ours', found };
  if (found.row?.state === 'kept' || !isOwnerDead(instance, found.manifest)) return { kind: 'leave', found };
  const repo = found.row?.repo ?? found.manifest?.repo ?? repoOfEntry;
  if (found.folder === 'gone') return { kind: 'close', found, repo };
  if (found.occupants.length > 0) return { kind: 'live', found };
  return found.foreign ? { kind: 'foreign-owned', found, repo } : { kind: 'sweep', found, repo };
}

/** Conflicts and counts as text, the same for sync, export, pull and clone. */
import type { Conflict, SyncOutcome } from '../../app/index.js';
import { counted, visibleLine } from '../../util/text.js';

const shown = (value: unknown): string =>
  value === undefined ? '(absent)' : visibleLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** Base, store, file: one block a field. */
export function conflictText(
  conflicts: readonly Conflict[],
  labels: { readonly ours: string; readonly theirs: string } = { ours: 'file', theirs: 'store' },
): string {
  return conflicts
    .map((item) =>
      [
        `conflict: ${visibleLine(item.criterion ?? item.spec)}, field ${visibleLine(item.field)}${item.criterion === undefined ? '' : ` (${visibleLine(item.spec)})`}`,
        `  base:  ${shown(item.base)}`,
        `  ${labels.theirs}: ${shown(item.theirs)}`,
        `  ${labels.ours}:  ${shown(item.ours)}`,
        '',
      ].join('\n'),
    )
    .join('');
}

export function syncText(outcome: SyncOutcome): string {
  if (outcome.state === 'no-store')
    return 'There is no store; specs/ is the catalog. `coherence store start` makes one.\n';
  if (outcome.state === 'detached')
    return "git's HEAD is detached: the files are read as they are, the store is left alone.\n";
  if (outcome.state === 'unchanged') return 'Nothing to do: specs/ and the store are equal.\n';
  const list = (ids: readonly string[]): string =>
    ids.length === 0 ? '' : `: ${ids.slice(0, 10).map(visibleLine).join(', ')}${ids.length > 10 ? ', …' : ''}`;
  return `${counted(outcome.toStore.length, 'spec')} into the store${list(outcome.toStore)}\n${counted(outcome.toFiles.length, 'spec')} into specs/${list(outcome.toFiles)}\n`;
}

/** Machine form of an outcome: absent values as null. */
export const syncJson = (outcome: SyncOutcome): object => ({
  state: outcome.state,
  to_store: outcome.toStore,
  to_files: outcome.toFiles,
  commit: outcome.commit,
  invalid: outcome.invalid,
  conflicts: outcome.conflicts.map(conflictJson),
});
export const conflictJson = (item: Conflict): object => ({
  spec: item.spec,
  criterion: item.criterion ?? null,
  field: item.field,
  base: item.base ?? null,
  file: item.ours ?? null,
  store: item.theirs ?? null,
});

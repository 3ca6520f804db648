/** What other use cases take from the store, with a plain answer where there is none. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Project } from '../../config/index.js';
import { failure, success, type Result } from '../../model/index.js';
import { repairJournal as salvage } from '../../journal/index.js';
import { takeLock } from '../../util/lock.js';
import { lockPath } from '../daemon/daemon-client.js';
import { installDolt, storeTrend } from './store.js';

const TREND_POINTS = 100;

/** Coverage over the store's history; empty without a store. Opens no connection where none was ever made. */
export async function coverageTrend(project: Project) {
  if (!existsSync(join(project.directories.state, 'dolt'))) return [];
  const trend = await storeTrend(project, TREND_POINTS);
  return trend.ok ? trend.value : [];
}

export const fixDolt = installDolt;

/** `doctor --repair`: salvages a damaged journal while no daemon runs. */
export async function repairJournal(project: Project): Promise<Result<string>> {
  const locked = await takeLock(lockPath(project.directories.state));
  if (!locked.taken)
    return failure({
      kind: 'unavailable',
      message: 'A daemon runs for this state folder.',
      hint: 'Stop it first: coherence daemon stop.',
    });
  await using _lock = locked.lock;
  const repaired = await salvage(project.directories.state);
  if (!repaired.ok) return repaired;
  const rows = Object.entries(repaired.value.salvaged)
    .map(([table, count]) => `${count} ${table}`)
    .join(', ');
  return success(
    `journal repaired: ${rows}; the damaged file is kept as ${repaired.value.kept}${repaired.value.incomplete.length === 0 ? '' : `; not read to the end: ${repaired.value.incomplete.join(', ')}`}`,
  );
}

/**
 * Settings of a running daemon: generation N until a reload reads valid files, then N+1. A broken file changes nothing and
 * is named with its line; frozen keys keep their value until a restart.
 */
import {
  flatSettings,
  hotKeys,
  presentConfigFiles,
  readSettings,
  type Place,
  type Project,
  type ReloadAnswer,
  type Settings,
} from '../app/index.js';
import { addConfigGeneration, type Journal } from '../journal/index.js';
import { failpoint } from '../util/failpoint.js';
import { tolerant } from './durable.js';
import type { Log } from '../journal/index.js';

export interface Reloader {
  settings(): Settings;
  generation(): number;
  /** One at a time; calls that come while one runs share the next one. */
  reload(): Promise<ReloadAnswer>;
}

type Change = { readonly from: unknown; readonly to: unknown };

const same = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);

/** `current` with the hot values of `next`. */
function withHot(current: Settings, next: ReadonlyMap<string, unknown>): Settings {
  const copy = structuredClone(current) as unknown as Record<string, unknown>; // settings are nested plain objects
  for (const key of hotKeys) {
    const parts = key.split('.');
    const last = parts.pop() ?? key;
    let tree = copy;
    for (const part of parts) tree = tree[part] as Record<string, unknown>; // as above
    tree[last] = next.get(key);
  }
  return copy as unknown as Settings; // the same shape with other values of the same types
}

export function createReloader(options: {
  readonly project: Project;
  readonly place: Place;
  readonly journal: Journal;
  readonly log: Log;
  readonly instance: string;
  readonly onApplied: () => void;
}): Reloader {
  const { project, place, journal, log } = options;
  let current = project.settings;
  let present = presentConfigFiles(project);
  let generation = 0;
  const advance = (changed: object): void => {
    generation += 1;
    tolerant(() => {
      generation = addConfigGeneration(journal.database, journal.clock, options.instance, changed);
    });
  };
  advance({});
  log.setLevel(current.log_level);

  const apply = async (): Promise<ReloadAnswer> => {
    const read = await readSettings(project, place);
    if (!read.ok) {
      const first = read.failures[0];
      log.error('reload.failed', {
        error: read.failures.map((item) => item.message).join(' '),
        path: first?.file ?? null,
        line: first?.line ?? null,
        column: first?.column ?? null,
        generation,
        failures: read.failures,
      });
      return { generation, applied: {}, unchanged: [], requires_restart: [], errors: read.failures };
    }
    failpoint('K14');
    const before = flatSettings(current);
    const after = flatSettings(read.value.settings);
    const changes = new Map<string, Change>(
      [...after]
        .filter(([key, value]) => !same(before.get(key), value))
        .map(([key, value]) => [key, { from: before.get(key), to: value }]),
    );
    const missing = present.filter((path) => !read.value.present.includes(path));
    if (missing.length > 0)
      log.warn('reload.config_missing', { path: missing[0], paths: missing, changed: Object.fromEntries(changes) });
    present = read.value.present;
    const applied = Object.fromEntries([...changes].filter(([key]) => hotKeys.has(key)));
    current = withHot(current, after);
    advance(applied);
    log.setLevel(current.log_level);
    const answer: ReloadAnswer = {
      generation,
      applied,
      unchanged: [...after.keys()].filter((key) => !changes.has(key)),
      requires_restart: [...changes.keys()].filter((key) => !hotKeys.has(key)),
      errors: [],
    };
    log.info('reload.applied', { generation, changed: applied, requires_restart: answer.requires_restart });
    options.onApplied();
    return answer;
  };

  let running: Promise<ReloadAnswer> | null = null;
  let following: Promise<ReloadAnswer> | null = null;
  const reload = async (): Promise<ReloadAnswer> => {
    if (running === null) {
      running = apply().finally(() => {
        running = null;
      });
      return running;
    }
    // The one that runs may have read the file before the caller changed it.
    following ??= running.then(async () => {
      following = null;
      return reload();
    });
    return following;
  };
  return { settings: () => current, generation: () => generation, reload };
}

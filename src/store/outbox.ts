/**
 * Runs on their way into the store: one file a run in `<state>/outbox`, written whole or not at all. A verdict is never
 * delayed by a stopped store, and never lost by it: whoever opens the store next takes the files in.
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { success, type Result, type RunRecord } from '../model/index.js';
import { writeAtomically } from '../util/files.js';
import type { CompactRun, StoreSession } from './port.js';

const folderOf = (state: string, database: string): string => join(state, 'outbox', database);
const BATCH = 50;
const ASIDE = '.damaged';

/** What of a record goes into the store. Outputs and messages stay in the evidence folder. */
export function compact(record: RunRecord): CompactRun {
  return {
    run: record.run,
    session: record.session,
    started_at: record.started_at,
    source: record.source,
    summary: record.summary,
    ...(record.ended === undefined ? {} : { ended: record.ended }),
    criteria: record.specs.flatMap((spec) =>
      spec.criteria.map((item) => ({
        id: item.id,
        spec: spec.id,
        verdict: item.verdict,
        reason: item.reason,
        ...(item.detail === undefined ? {} : { detail: item.detail }),
        wording: item.wording,
        checks: item.checks.map((check) => ({
          link: check.link,
          kind: check.kind,
          runner: check.runner,
          place: check.place,
          verdict: check.verdict,
          reason: check.reason,
          proof: check.proof,
          file: check.file,
          line: check.line,
          exit_code: check.exit_code,
          attempt: check.attempt,
          duration_ms: check.duration_ms,
          cached: check.cached,
          source_hash: check.source_hash,
          output_sha256: check.output_sha256,
        })),
      })),
    ),
  };
}

/** Puts a run into the outbox. */
export async function post(state: string, database: string, record: RunRecord): Promise<void> {
  const folder = folderOf(state, database);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeAtomically(join(folder, `${record.run}.json`), JSON.stringify(compact(record)), 0o600);
}

const waiting = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => /^[0-9A-Z]{26}\.json$/.test(name)).toSorted();

/** Number of runs that wait. */
export const countPosted = async (state: string, database: string): Promise<number> =>
  (await waiting(folderOf(state, database))).length;
/** Number of runs that the store refused; their files stay in the outbox's folder. */
export const countSetAside = async (state: string, database: string): Promise<number> =>
  (await readdir(folderOf(state, database)).catch(() => [])).filter((name) => name.endsWith(ASIDE)).length;

/**
 * Takes waiting runs into the store; resolves to how many. A file goes only after its commit, and a run that is there
 * already is not written again, so a kill at any point neither loses nor doubles one.
 */
export async function drain(state: string, session: StoreSession): Promise<Result<number>> {
  const folder = folderOf(state, session.database);
  const names = await waiting(folder);
  for (let at = 0; at < names.length; at += BATCH) {
    const batch = names.slice(at, at + BATCH);
    const runs: (readonly [name: string, run: CompactRun])[] = [];
    for (const name of batch) {
      try {
        const text = await readFile(join(folder, name), 'utf8');
        runs.push([name, JSON.parse(text) as CompactRun]);
      } catch {
        // Gone: another process took it. Unreadable: it must not stop the others.
        await setAside(folder, name);
      }
    }
    const written = await record(folder, runs, session);
    if (!written.ok) return written;
    await Promise.all(runs.map(async ([name]) => rm(join(folder, name), { force: true })));
  }
  return success(names.length);
}

/** Kept beside the outbox for a person: never lost, and never in the way of a command again. */
const setAside = async (folder: string, name: string): Promise<void> =>
  rename(join(folder, name), join(folder, `${name}${ASIDE}`)).catch(() => undefined);

/** All at once; when the database refuses one of them (a defect of ours, or a record from elsewhere), one by one without it. */
async function record(
  folder: string,
  runs: readonly (readonly [name: string, run: CompactRun])[],
  session: StoreSession,
): Promise<Result<unknown>> {
  try {
    return await session.recordRuns(runs.map(([, run]) => run));
  } catch (error) {
    const [only, ...others] = runs;
    if (only === undefined) throw error;
    if (others.length === 0) {
      await setAside(folder, only[0]);
      return success(null);
    }
  }
  for (const one of runs) {
    const written = await record(folder, [one], session);
    if (!written.ok) return written;
  }
  return success(null);
}

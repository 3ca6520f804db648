/**
 * `.coherence/runs/<ulid>/`: the evidence of a run. Everything is written below a temporary name and renamed at the end,
 * so a killed run leaves no half record; what it left is removed by the next run once its writer is dead.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result, type RunRecord } from '../model/index.js';
import { errorCode, readRegularText, syncFolder, writeAtomically } from '../util/files.js';
import { sha256File } from '../util/hash.js';
import { archiveOutputs } from './archive.js';
import { packRecord, unpackRecord, type PackedRecord } from './packed.js';
import { identityOf, isAlive, type ProcessIdentity } from '../util/process.js';

const TEMPORARY = '.tmp-';
const OWNER = 'owner.json';
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export interface RunFolder {
  readonly id: string;
  /** Where output files are written while the run lasts. */
  readonly folder: string;
  /** Hashes and seals the captured files; call once all outcomes are there. Gives path and hash by absolute path. */
  seal(
    files: readonly string[],
  ): Promise<(absolute: string) => { readonly path: string; readonly sha256: string } | undefined>;
  /** Writes run.json and makes the run visible under its id. */
  publish(record: RunRecord): Promise<void>;
  /** Removes everything; for a run that never came to a record. */
  discard(): Promise<void>;
}

export const runsFolder = (root: string): string => join(root, '.coherence', 'runs');

/**
 * Starts the evidence folder of a run.
 * @param isPart its record is one of several that become one record elsewhere: nobody needs it to outlast a power cut
 */
export async function openRunFolder(root: string, id: string, isPart = false): Promise<RunFolder> {
  const runs = runsFolder(root);
  // Small and synchronous: a turn through the thread pool takes longer than each of these.
  mkdirSync(runs, { recursive: true, mode: 0o700 });
  removeDeadRuns(runs);
  const folder = join(runs, `${TEMPORARY}${id}`);
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, OWNER), JSON.stringify(identityOf(process.pid)), { mode: 0o600 });
  const final = join(runs, id);
  return {
    id,
    folder,
    seal: async (files) => {
      const known = new Map<string, { path: string; sha256: string }>();
      for (const file of new Set(files)) {
        const found = await stat(file).catch(() => null);
        if (found === null || !file.startsWith(`${folder}/`)) continue;
        await chmod(file, 0o600);
        known.set(file, {
          path: `.coherence/runs/${id}/${file.slice(folder.length + 1)}`,
          sha256: await sha256File(file),
        });
      }
      return (absolute) => known.get(absolute);
    },
    publish: async (record) => {
      if (!isPart) await archiveOutputs(folder, record);
      const packed = packRecord(record);
      const text = `${packed.batches.length > 0 ? JSON.stringify(packed) : JSON.stringify(packed, null, 1)}\n`;
      if (isPart) writeFileSync(join(folder, 'run.json'), text, { mode: 0o600 });
      else await writeAtomically(join(folder, 'run.json'), text, 0o600);
      rmSync(join(folder, OWNER), { force: true });
      renameSync(folder, final);
      if (!isPart) await syncFolder(runs);
    },
    discard: async () => rm(folder, { recursive: true, force: true }),
  };
}

/** Half folders whose writer is dead. */
function removeDeadRuns(runs: string): void {
  for (const name of readdirSync(runs)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const text = readRegularText(join(runs, name, OWNER));
    if (text === null) {
      // Without an owner it is either being made right now or was left between two statements: an hour decides.
      const made = statSync(join(runs, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
      if (Date.now() - made < 3_600_000) continue;
    } else {
      const owner = parseOwner(text);
      if (owner !== null && isAlive(owner)) continue;
    }
    rmSync(join(runs, name), { recursive: true, force: true });
  }
}

function parseOwner(text: string): ProcessIdentity | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { bootId, pid, startTicks } = value as Record<string, unknown>; // fields are checked on the next line
    return typeof bootId === 'string' && typeof pid === 'number' && typeof startTicks === 'number'
      ? { bootId, pid, startTicks }
      : null;
  } catch {
    return null;
  }
}

/** Ids of recorded runs, newest first. */
export async function listRuns(root: string): Promise<readonly string[]> {
  const names = await readdir(runsFolder(root)).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [] as string[];
    throw error;
  });
  return names.filter((name) => ULID.test(name)).sort((left, right) => (left < right ? 1 : -1));
}

/** One recorded run; `tracked` names files that git tracks there, which are never read (contract, section 2). */
export async function readRun(
  root: string,
  id: string,
  isTracked: (path: string) => Promise<boolean>,
): Promise<Result<RunRecord>> {
  if (!ULID.test(id))
    return failure({
      kind: 'unknown-id',
      message: `"${id}" is not a run id.`,
      hint: '`coherence runs list` shows the recorded runs.',
    });
  const path = `.coherence/runs/${id}/run.json`;
  if (await isTracked(path))
    return failure({
      kind: 'unsafe-path',
      file: path,
      message: 'This record is tracked by git, so anybody could have written it; it is not read.',
      hint: 'Remove it from git: evidence stays on the machine that ran the tests.',
    });
  try {
    // The file is ours (0600, untracked), and its schema is checked by the name below.
    const record = JSON.parse(await readFile(join(root, path), 'utf8')) as RunRecord | PackedRecord;
    if (record.schema === 'coherence.verify/2') return success(unpackRecord(record));
    if (record.schema !== 'coherence.verify/1')
      return failure({
        kind: 'damaged-state',
        file: path,
        message: 'This record has another schema than coherence.verify/1 and /2.',
      });
    return success(record);
  } catch (error) {
    if (errorCode(error) === 'ENOENT')
      return failure({
        kind: 'unknown-id',
        message: `There is no run ${id}.`,
        hint: '`coherence runs list` shows the recorded runs.',
      });
    return failure({ kind: 'damaged-state', file: path, message: 'This record cannot be read as JSON.' });
  }
}

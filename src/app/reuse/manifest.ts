/**
 * What the verdicts of a run rested on, kept beside the verdict cache so that `explain` can name what differs now. One file a
 * kept run, packed, the newest few.
 */
import { readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Project } from '../../config/index.js';
import { orNull, writeRemakeable } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';
import type { ReuseIdentity } from './identity.js';

const KEPT = 30;

export interface Manifest {
  readonly files: Readonly<Record<string, string>>;
  readonly tools: Readonly<Record<string, string>>;
  /** Variable → a digest of its value. */
  readonly environment: Readonly<Record<string, string>>;
}

export const manifestOf = ({ whole, tools, environment }: ReuseIdentity): Manifest => ({
  files: Object.fromEntries(whole.entries),
  tools: Object.fromEntries(tools),
  environment: Object.fromEntries([...environment].map(([name, value]) => [name, sha256(value).slice(0, 16)])),
});

const folderOf = (project: Project): string => join(project.directories.state, 'reuse');

export async function keepManifest(project: Project, run: string, identity: ReuseIdentity): Promise<void> {
  const folder = folderOf(project);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const bytes = gzipSync(JSON.stringify(manifestOf(identity)), { level: 1 });
  await writeRemakeable(join(folder, `${run}.json.gz`), bytes);
  // A run's id begins with its time.
  for (const name of readdirSync(folder).sort().slice(0, -KEPT)) orNull(() => unlinkSync(join(folder, name)));
}

/** Null where it was not kept or is no longer. */
export const readManifest = (project: Project, run: string): Manifest | null =>
  orNull(
    () => JSON.parse(gunzipSync(readFileSync(join(folderOf(project), `${run}.json.gz`))).toString('utf8')) as Manifest, // we wrote it
  );

/**
 * Level 2: a verdict rests on what its run was seen to rest on, and is reused while each of these is as it was. The list of a batch is
 * kept once, under the digest of its content.
 */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Project } from '../../config/index.js';
import type { Observed, ObservedInput, ObservedKind } from '../../model/index.js';
import { stateOf } from '../../observe/index.js';
import { OUTPUT_NAMES } from '../../sources/index.js';
import { exists, orNull, writeRemakeable } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';

type Rested = readonly (readonly [kind: ObservedKind, path: string, state: string])[];

/** Why a run's observation carries no verdict, or the list that it rests on. */
export type Ground = { readonly ok: true; readonly list: Rested } | { readonly ok: false; readonly why: string };

/** What the kernel and the system make up at each look: no state of these is one of the past. */
const MADE_UP = /^\/(?:proc|sys|dev)(?:\/|$)/u;

/** What this tool itself writes while tests run: their output. */
const EVIDENCE = /\/\.coherence\/runs(?:\/|$)/u;

/** A run's own work: it was not there at first, or lies where tools keep what they make. */
const isOwnWork = (input: ObservedInput): boolean =>
  input.written && (input.state === '' || input.path.split('/').some((part) => OUTPUT_NAMES.has(part)));

export function groundOf(observed: readonly Observed[] | undefined): Ground {
  if (observed === undefined || observed.length === 0) return { ok: false, why: 'its run was not observed' };
  const list = new Map<string, readonly [ObservedKind, string, string]>();
  for (const item of observed) {
    if (!item.ok) return { ok: false, why: item.why };
    const [lost] = item.observation.lost;
    if (lost !== undefined) return { ok: false, why: lost };
    for (const input of item.observation.inputs) {
      if (MADE_UP.test(input.path) || EVIDENCE.test(input.path) || isOwnWork(input)) continue;
      if (input.changedDuringRun) return { ok: false, why: `${input.path} changed while it ran` };
      const key = `${input.kind}\0${input.path}`;
      // Programs run one after the other: the first to see a path saw what was there before the run.
      if (!list.has(key)) list.set(key, [input.kind, input.path, input.state]);
    }
  }
  return { ok: true, list: [...list.values()] };
}

const folderOf = (project: Project): string => join(project.directories.state, 'observed');

/** @returns the digest under which the list is kept */
export async function keepGround(project: Project, list: Rested): Promise<string> {
  const text = JSON.stringify(list);
  const digest = sha256(text);
  const path = join(folderOf(project), `${digest}.json.gz`);
  if (await exists(path)) return digest;
  await mkdir(folderOf(project), { recursive: true, mode: 0o700 });
  await writeRemakeable(path, gzipSync(text, { level: 1 }));
  return digest;
}

/** What of a kept list is not as it was, one path a difference; null: the list is not there or not whole, so nothing is known. */
export function changedSince(project: Project, digest: string): readonly string[] | null {
  const bytes = orNull(() => gunzipSync(readFileSync(join(folderOf(project), `${digest}.json.gz`))));
  if (bytes === null || sha256(bytes) !== digest) return null;
  const list = JSON.parse(bytes.toString('utf8')) as Rested; // its digest says that we wrote it
  return list.filter(([kind, path, state]) => stateOf(path, kind) !== state).map(([, path]) => path);
}

/**
 * What runners share about the layout of a project: folders above a file, paths as arguments, batches by configuration.
 */
import { readFile, rm } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Batch, Case, RunnerName } from '../model/index.js';
import { hashFields } from '../util/hash.js';
import type { Workspace } from '../run/adapters.js';
import { groupBy } from '../run/group.js';

/** The folders that hold a file, nearest first, as paths relative to the root; the last is '' (the root). */
export function ancestors(file: string): string[] {
  const folders: string[] = [];
  for (
    let folder = posix.dirname(file);
    folder !== '.' && folder !== '/' && folder !== '';
    folder = posix.dirname(folder)
  )
    folders.push(folder);
  return [...folders, ''];
}

/** A path relative to a folder; both relative to the root, or both absolute. */
export const relativeTo = (folder: string, path: string): string => posix.relative(folder === '' ? '.' : folder, path);

/** A path as an argument that cannot be taken for an option. */
export const argument = (path: string): string => (path.startsWith('.') || path.startsWith('/') ? path : `./${path}`);

/** Cases grouped by the folder and configuration that their runner finds for them; ids are stable for the same cases. */
export async function batchesBy(
  runner: RunnerName,
  cases: readonly Case[],
  place: (
    entry: Case,
  ) => Promise<{ readonly directory: string; readonly configuration: Readonly<Record<string, string>> }>,
): Promise<Batch[]> {
  const byFile = new Map<string, Awaited<ReturnType<typeof place>>>();
  for (const entry of cases) if (!byFile.has(entry.file)) byFile.set(entry.file, await place(entry));
  const groups = groupBy(cases, (entry) => JSON.stringify(byFile.get(entry.file)));
  return [...groups.values()].map((group) => {
    const first = group[0];
    if (first === undefined) throw new Error('a group has a member');
    const found = byFile.get(first.file) ?? { directory: '', configuration: {} };
    return {
      id: `${runner}-${hashFields(group.map((entry) => entry.id)).slice(0, 10)}`,
      runner,
      place: first.place,
      environment: first.environment,
      directory: found.directory,
      configuration: found.configuration,
      cases: group,
    };
  });
}

/** The Node that tests run with: the configured one, else on the host the one that runs us, else the place's own. */
export async function nodeProgram(workspace: Workspace, configured?: string): Promise<string> {
  if (workspace.place === 'host') return configured ?? process.execPath;
  return (await workspace.find('node')) ?? 'node';
}

/** Asks a program a short question; its capture files are no evidence and are removed. */
export async function probe(
  workspace: Workspace,
  label: string,
  command: readonly string[],
  directory: string,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const done = await workspace.exec(
    { command, directory, env: { PYTHONDONTWRITEBYTECODE: '1' }, timeoutMs: 30_000, label },
    new AbortController().signal,
  );
  const [stdout, stderr] = await Promise.all(
    [done.stdout.file, done.stderr.file].map(async (file) => readFile(file, 'utf8').catch(() => '')),
  );
  await Promise.all([done.stdout.file, done.stderr.file].map(async (file) => rm(file, { force: true })));
  return { code: done.trouble === null ? done.end.code : null, stdout: stdout ?? '', stderr: stderr ?? '' };
}

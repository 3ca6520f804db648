/** The daemon's verdicts on their way into the store: one message a finished run, taken in once. */
import { loadProject, type Project } from '../../config/index.js';
import { readRun } from '../../evidence/index.js';
import { getRun, isTerminal, type Journal, type OutboxRow } from '../../journal/index.js';
import { drainRuns, recordRun } from '../store/store.js';

export type Pushed =
  | { readonly pushed: true; readonly sequences: readonly number[] }
  | { readonly pushed: false; readonly why: string };

/**
 * Hands the verdicts of ended runs to the store. Doing it again changes nothing: the store knows a run by its id.
 * `pushed: false`: the store is not running; the messages wait in its folder and the rows here stay open.
 */
export async function pushVerdicts(own: Project, journal: Journal, rows: readonly OutboxRow[]): Promise<Pushed> {
  const projects = new Map<string, Project>([[own.root, own]]);
  const sequences: number[] = [];
  let waiting = 0;
  const byRun = grouped(rows);
  for (const [runId, messages] of byRun) {
    const run = getRun(journal.database, runId);
    if (run !== null && !isTerminal(run.state)) continue;
    const done = (): void => void sequences.push(...messages.map((row) => row.seq));
    // A run that was given up, or whose project is gone, has no record that the store could take.
    const record = run === null ? null : await readRun(run.repo, runId, async () => false);
    if (run === null || record === null || !record.ok) {
      done();
      continue;
    }
    let project = projects.get(run.repo);
    if (project === undefined) {
      const opened = await loadProject({ cwd: run.repo, env: process.env });
      if (!opened.ok) {
        done();
        continue;
      }
      project = opened.value;
      projects.set(run.repo, project);
    }
    if ((await recordRun(project, record.value)) === 'none') done();
    else if ((await drainRuns(project)) === 0) done();
    else waiting += 1;
  }
  return sequences.length === 0 && waiting > 0
    ? { pushed: false, why: 'the store is not running' }
    : { pushed: true, sequences };
}

function grouped(rows: readonly OutboxRow[]): Map<string, OutboxRow[]> {
  const result = new Map<string, OutboxRow[]>();
  for (const row of rows) result.set(row.run_id, [...(result.get(row.run_id) ?? []), row]);
  return result;
}

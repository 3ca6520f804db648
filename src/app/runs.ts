/** Recorded evidence: listing, showing, and the newest verdicts on exactly this source. */
import type { Project } from '../config/index.js';
import { listRuns, readRun, wordingOf } from '../evidence/index.js';
import { failure, type Criterion, type Result, type RunRecord } from '../model/index.js';
import { sourceIdentity } from '../sources/index.js';
import type { LastVerdict } from '../trace/index.js';
import { git } from '../util/git.js';

/** Evidence that git tracks could have been written by anybody; it is never read. */
export async function trackedEvidence(root: string): Promise<(path: string) => Promise<boolean>> {
  const answer = await git(root, ['ls-files', '-z', '--', '.coherence/runs']);
  const tracked = new Set(answer.ok ? answer.stdout.split('\0') : []);
  return async (path) => tracked.has(path);
}

export async function loadRun(project: Project, id: string): Promise<Result<RunRecord>> {
  const wanted = id === 'latest' ? (await listRuns(project.root))[0] : id;
  if (wanted === undefined) return failure({ kind: 'unknown-id', message: 'No run is recorded yet.', hint: '`coherence verify --all` makes one.' });
  return readRun(project.root, wanted, await trackedEvidence(project.root));
}

/** All readable records, newest first. */
export async function recordedRuns(project: Project, limit = 200): Promise<readonly RunRecord[]> {
  const isTracked = await trackedEvidence(project.root);
  const found: RunRecord[] = [];
  for (const id of (await listRuns(project.root)).slice(0, limit)) {
    const record = await readRun(project.root, id, isTracked);
    if (record.ok) found.push(record.value);
  }
  return found;
}

/**
 * The newest verdict of each criterion among runs on exactly this source and with exactly this wording.
 * A verdict about another source or other words is no verdict about these.
 */
export async function lastVerdicts(project: Project, criteria: readonly Criterion[], tree?: string): Promise<ReadonlyMap<string, LastVerdict>> {
  const wanted = tree ?? (await sourceIdentity(project.root)).tree;
  const wording = new Map(criteria.map((criterion) => [criterion.id, wordingOf(criterion)]));
  const found = new Map<string, LastVerdict>();
  for (const record of await recordedRuns(project)) {
    if (record.source.tree !== wanted) continue;
    for (const spec of record.specs)
      for (const criterion of spec.criteria) {
        if (found.has(criterion.id) || wording.get(criterion.id) !== criterion.wording) continue;
        found.set(criterion.id, { verdict: criterion.verdict, reason: criterion.reason, detail: criterion.detail ?? '', run: record.run });
      }
  }
  return found;
}

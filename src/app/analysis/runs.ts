/** Recorded evidence: listing, showing, and the newest verdicts on exactly this source. */
import type { Project } from '../../config/index.js';
import { listRuns, readRun, wordingOf } from '../../evidence/index.js';
import { failure, type Criterion, type Result, type RunRecord } from '../../model/index.js';
import type { LastVerdict } from '../../trace/index.js';
import { git } from '../../util/git.js';

/** Evidence that git tracks could have been written by anybody; it is never read. */
export async function trackedEvidence(root: string): Promise<(path: string) => Promise<boolean>> {
  const answer = await git(root, ['ls-files', '-z', '--', '.coherence/runs']);
  const tracked = new Set(answer.ok ? answer.stdout.split('\0') : []);
  return async (path) => tracked.has(path);
}

export async function loadRun(project: Project, id: string): Promise<Result<RunRecord>> {
  const wanted = id === 'latest' ? (await listRuns(project.root))[0] : id;
  if (wanted === undefined)
    return failure({
      kind: 'unknown-id',
      message: 'No run is recorded yet.',
      hint: '`coherence verify --all` makes one.',
    });
  return readRun(project.root, wanted, await trackedEvidence(project.root));
}

/** All readable records below a root, newest first. */
export async function recordedRuns(root: string, limit = 200): Promise<readonly RunRecord[]> {
  const isTracked = await trackedEvidence(root);
  const found: RunRecord[] = [];
  for (const id of (await listRuns(root)).slice(0, limit)) {
    const record = await readRun(root, id, isTracked);
    if (record.ok) found.push(record.value);
  }
  return found;
}

/** Where evidence lies and which source it must be about: a tree hash, or a clean commit. */
export interface EvidenceQuery {
  readonly root: string;
  readonly of: { readonly tree: string } | { readonly commit: string };
}

/**
 * The newest verdict of each criterion among runs on exactly that source and with exactly this wording.
 * A verdict about another source or other words is no verdict about these.
 */
export async function lastVerdicts(
  root: string,
  criteria: readonly Criterion[],
  of: EvidenceQuery['of'],
): Promise<ReadonlyMap<string, LastVerdict>> {
  const records = (await recordedRuns(root)).filter((record) =>
    'tree' in of ? record.source.tree === of.tree : record.source.commit === of.commit && !record.source.dirty,
  );
  return verdictsIn(records, criteria);
}

/** The newest verdict of each criterion, with exactly this wording, among records that stand newest first. */
export function verdictsIn(
  records: readonly RunRecord[],
  criteria: readonly Criterion[],
): ReadonlyMap<string, LastVerdict> {
  const wording = new Map(criteria.map((criterion) => [criterion.id, wordingOf(criterion)]));
  const found = new Map<string, LastVerdict>();
  for (const record of records)
    for (const spec of record.specs)
      for (const criterion of spec.criteria) {
        if (found.has(criterion.id) || wording.get(criterion.id) !== criterion.wording) continue;
        found.set(criterion.id, {
          verdict: criterion.verdict,
          reason: criterion.reason,
          detail: criterion.detail ?? '',
          run: record.run,
          byExitCode:
            criterion.verdict === 'PASS' &&
            criterion.checks.some((check) => check.verdict === 'PASS' && check.proof === 'exit-code'),
        });
      }
  return found;
}

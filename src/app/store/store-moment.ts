/** A moment of the store: a Dolt commit, with the git commit that it belongs to. For `--at` with a ref that git does not know. */
import type { Project } from '../../config/index.js';
import { wordingOf } from '../../evidence/index.js';
import {
  failure,
  success,
  type Catalog,
  type Criterion,
  type Failure,
  type Result,
  type TrendPoint,
} from '../../model/index.js';
import { noStore, storeExists, type StoredVerdict, type StoreSession } from '../../store/index.js';
import type { LastVerdict } from '../../trace/index.js';
import { openProjectStore, storePlace, type Env } from './store-place.js';

export interface StoreMoment {
  /** Full hash of the Dolt commit. */
  readonly commit: string;
  /** git's commit then; null where the store was never used beside one. */
  readonly git: string | null;
  readonly catalog: Catalog;
  /** Of runs on the clean tree of `git` that were recorded by then. */
  readonly verdicts: readonly StoredVerdict[];
  readonly trend: readonly TrendPoint[];
}

const HASH = /^[0-9a-v]{32}$/;
/** Hashes, Dolt branches and tags, each with ~N or ^. What looks otherwise starts no server. */
const REF = /^[A-Za-z0-9][A-Za-z0-9._/-]*(?:[~^]\d*)*$/;
const TREND_POINTS = 100;
const VERDICTS = ['PASS', 'FAIL', 'SKIP', 'ERROR'] as const;

/** `unknown-id` for a ref that the store does not know either, `unavailable` when only a store could tell. */
async function withMoment<T>(
  project: Project,
  ref: string,
  env: Env,
  work: (session: StoreSession, commit: string) => Promise<Result<T>>,
): Promise<Result<T>> {
  const unknown: Failure = {
    kind: 'unknown-id',
    message: `"${ref}" is no commit of git and none of the store.`,
    hint: '`git log` and `coherence store log` list them.',
  };
  if (!REF.test(ref)) return failure(unknown);
  const place = await storePlace(project, env);
  if (!place.ok) return place;
  const there = await storeExists(place.value);
  if (!there.ok) return there;
  if (!there.value) return failure(HASH.test(ref) ? noStore() : unknown);
  const session = await openProjectStore(project, { env });
  if (!session.ok) return session;
  try {
    const commit = await session.value.resolve(ref);
    return commit === null ? failure(unknown) : await work(session.value, commit);
  } finally {
    await session.value.close();
  }
}

/** The store's catalog at a Dolt commit, branch or tag. */
export const catalogAtMoment = async (project: Project, ref: string, env: Env): Promise<Result<Catalog>> =>
  withMoment(project, ref, env, async (session, commit) => session.catalog(commit));

/** Everything that the store can say about a Dolt commit, branch or tag: a fixed number of statements for any history. */
export const momentAt = async (project: Project, ref: string, env: Env = process.env): Promise<Result<StoreMoment>> =>
  withMoment(project, ref, env, async (session, commit) => {
    const catalog = await session.catalog(commit);
    if (!catalog.ok) return catalog;
    const git = await session.gitOf(commit);
    if (!git.ok) return git;
    const verdicts = git.value === null ? success([]) : await session.verdictsAt(git.value, commit);
    if (!verdicts.ok) return verdicts;
    const trend = await session.trend(TREND_POINTS, commit);
    if (!trend.ok) return trend;
    return success({ commit, git: git.value, catalog: catalog.value, verdicts: verdicts.value, trend: trend.value });
  });

/** Stored verdicts as coverage reads them: those about exactly this wording of a criterion. */
export function verdictsFor(
  criteria: readonly Criterion[],
  stored: readonly StoredVerdict[],
): ReadonlyMap<string, LastVerdict> {
  const wording = new Map(criteria.map((criterion) => [criterion.id, wordingOf(criterion)]));
  const found = new Map<string, LastVerdict>();
  for (const row of stored) {
    const verdict = VERDICTS.find((name) => name === row.verdict);
    // A store of another version may hold words that we do not know: those say nothing here.
    if (verdict === undefined || wording.get(row.criterion) !== row.wording) continue;
    found.set(row.criterion, {
      verdict,
      reason: row.reason as LastVerdict['reason'],
      detail: row.detail,
      run: row.run,
      byExitCode: verdict === 'PASS' && row.reason === 'exit-code',
    });
  }
  return found;
}

/**
 * What `app` asks of a store of specs with history. The Dolt store implements it; where there is none, `files/` answers
 * each question with what is missing.
 */
import type { Catalog, Result, RunRecord, Spec, TrendPoint } from '../model/index.js';

/** What a spec's file and the store last agreed on: the base of the next merge. */
export interface SyncEntry {
  readonly spec: string;
  /** Relative to the project's root; null when the spec had no file. */
  readonly path: string | null;
  /** SHA-256 of the file's bytes. */
  readonly fileHash: string | null;
  readonly base: Spec;
}

export interface CatalogWrite {
  readonly upsert: readonly Spec[];
  readonly remove: readonly string[];
  readonly sync: readonly SyncEntry[];
  readonly unsync: readonly string[];
  /** First line of the Dolt commit. */
  readonly message: string;
  /** git's commit at this time. */
  readonly git: string | null;
  /** The head that the change was worked out on: with another one nothing is written, and the failure is `MOVED`. */
  readonly expected?: string;
}

/** Times are ISO 8601 in UTC. */
export interface LogEntry {
  readonly commit: string;
  readonly author: string;
  readonly date: string;
  /** First line. */
  readonly message: string;
  /** git's commit when it was made; null where that is not known. */
  readonly git: string | null;
}

/** Who gave a field its present value, when, and what it was before. */
export interface BlameEntry {
  readonly id: string;
  readonly field: string;
  readonly value: string | null;
  readonly previous: string | null;
  readonly commit: string;
  readonly author: string;
  readonly date: string;
  readonly message: string;
  readonly git: string | null;
}

export interface StoredVerdict {
  readonly criterion: string;
  readonly spec: string;
  readonly verdict: string;
  readonly reason: string;
  readonly detail: string;
  readonly run: string;
  readonly wording: string;
}

export interface BranchEntry {
  /** Null for a Dolt branch that no git branch has. */
  readonly git: string | null;
  readonly dolt: string;
  readonly head: string;
  readonly current: boolean;
}

/** The three states of a pull, or what makes it unnecessary. */
export type Fetched =
  | { readonly state: 'absent' | 'equal' | 'behind-us' }
  | { readonly state: 'ahead'; readonly remote: string }
  | { readonly state: 'diverged'; readonly remote: string; readonly base: string };

/** One connection to one branch of one database. Methods throw only for defects of ours; what can happen is a Result. */
export interface StoreSession {
  readonly database: string;
  /** Dolt's name of the branch. */
  readonly branch: string;
  readonly server: { readonly pid: number | null; readonly version: string };
  /** Whether others may write to this store beside us (store.url). */
  readonly shared: boolean;
  head(): Promise<Result<string>>;
  /** The branch's catalog, or that of a commit. */
  catalog(commit?: string): Promise<Result<Catalog>>;
  syncEntries(): Promise<Result<readonly SyncEntry[]>>;
  /** One transaction and at most one Dolt commit; its hash, or null when nothing changed. */
  write(change: CatalogWrite): Promise<Result<string | null>>;
  /** Full hash of a Dolt commit (or branch or tag name), or null. */
  resolve(ref: string): Promise<string | null>;
  log(id: string | null, limit: number): Promise<Result<readonly LogEntry[]>>;
  blame(id: string): Promise<Result<readonly BlameEntry[]>>;
  /** The latest runs; with a Dolt commit, of those that were recorded by then. */
  trend(limit: number, commit?: string): Promise<Result<readonly TrendPoint[]>>;
  /** Latest recorded verdict of each criterion in runs on a clean tree of that git commit; with a Dolt commit, as recorded by then. */
  verdictsAt(gitCommit: string, commit?: string): Promise<Result<readonly StoredVerdict[]>>;
  /** git's commit when a Dolt commit (a full hash) was made, or null when it and its ancestors name none. */
  gitOf(commit: string): Promise<Result<string | null>>;
  recordRuns(runs: readonly CompactRun[]): Promise<Result<string | null>>;
  branches(): Promise<Result<readonly BranchEntry[]>>;
  push(remote: string): Promise<Result<null>>;
  fetch(remote: string): Promise<Result<Fetched>>;
  /** Takes over a fetched branch that is ahead of ours. */
  fastForward(remote: string): Promise<Result<string>>;
  /** A merge commit of ours and `remote` whose catalog is `merged`. */
  writeMerge(remote: string, merged: Catalog, message: string): Promise<Result<string>>;
  /** Bytes on disk and number of the newest schema step. */
  facts(): Promise<
    Result<{ readonly schema: number; readonly specs: number; readonly criteria: number; readonly runs: number }>
  >;
  close(): Promise<void>;
}

/** What of a run's record goes into the store: verdicts and hashes, no output. */
export type CompactRun = Pick<RunRecord, 'run' | 'session' | 'started_at' | 'source' | 'summary'> & {
  readonly ended?: string;
  readonly criteria: readonly CompactCriterion[];
};
export interface CompactCriterion {
  readonly id: string;
  readonly spec: string;
  readonly verdict: string;
  readonly reason: string;
  readonly detail?: string;
  readonly wording: string;
  readonly checks: readonly CompactCheck[];
}
export interface CompactCheck {
  readonly link: string;
  readonly kind: string;
  readonly runner: string | null;
  readonly place: string;
  readonly verdict: string;
  readonly reason: string;
  readonly proof: string | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly exit_code: number | null;
  readonly attempt: number;
  readonly duration_ms: number;
  readonly cached: boolean;
  readonly source_hash: string;
  readonly output_sha256: string | null;
}

/** SQL rows ↔ typed rows. The tables are STRICT and written only by this room, so a column has the type that is cast to here. */
import {
  BACKENDS,
  RUN_STATES,
  type Backend,
  type ProcessRow,
  type RunPayload,
  type RunRow,
  type RunState,
} from './types.js';
import type { Row, SqlValue } from './database.js';

export const text = (row: Row, key: string): string => String(row[key] ?? '');
export const textOrNull = (row: Row, key: string): string | null =>
  row[key] === null || row[key] === undefined ? null : String(row[key]);
export const integer = (row: Row, key: string): number => Number(row[key] ?? 0);
export const integerOrNull = (row: Row, key: string): number | null =>
  row[key] === null || row[key] === undefined ? null : Number(row[key]);
export const parsed = (value: SqlValue | undefined): unknown => {
  try {
    return JSON.parse(String(value));
  } catch {
    return undefined;
  }
};

const EMPTY: RunPayload = { criteria: null, whole: true, place: null, options: {}, keep_worktree: false };

function payloadOf(value: SqlValue | undefined): RunPayload {
  const found = parsed(value);
  return typeof found === 'object' && found !== null ? { ...EMPTY, ...(found as Partial<RunPayload>) } : EMPTY; // written by `enqueue` alone
}

const oneOf = <T extends string>(values: readonly T[], value: string, otherwise: T): T =>
  values.find((item) => item === value) ?? otherwise;

export const runRow = (row: Row): RunRow => ({
  run_id: text(row, 'run_id'),
  seq: integer(row, 'seq'),
  session_id: text(row, 'session_id'),
  spec_id: text(row, 'spec_id'),
  spec_rev: textOrNull(row, 'spec_rev'),
  commit_sha: textOrNull(row, 'commit_sha'),
  backend: oneOf<Backend>(BACKENDS, text(row, 'backend'), 'process'),
  priority: integer(row, 'priority'),
  depends_on: textOrNull(row, 'depends_on'),
  repo: text(row, 'repo'),
  state: oneOf<RunState>(RUN_STATES, text(row, 'state'), 'parked'),
  attempt: integer(row, 'attempt'),
  fence: integer(row, 'fence'),
  owner: textOrNull(row, 'owner'),
  not_before: integerOrNull(row, 'not_before'),
  not_before_boot: textOrNull(row, 'not_before_boot'),
  dedupe_key: textOrNull(row, 'dedupe_key'),
  payload: payloadOf(row['payload']),
  verdict: textOrNull(row, 'verdict') as RunRow['verdict'], // one of the four, written by `finish`
  reason: textOrNull(row, 'reason'),
  detail: textOrNull(row, 'detail'),
  failures: integer(row, 'failures'),
  enqueued_at: text(row, 'enqueued_at'),
  started_at: textOrNull(row, 'started_at'),
  ended_at: textOrNull(row, 'ended_at'),
});

export const processRow = (row: Row): ProcessRow => ({
  nonce: text(row, 'nonce'),
  kind: text(row, 'kind') as ProcessRow['kind'],
  name: text(row, 'name'),
  key: textOrNull(row, 'key'), // written by `intend` alone
  instance_id: text(row, 'instance_id'),
  boot_id: text(row, 'boot_id'),
  pid: integerOrNull(row, 'pid'),
  start_ticks: integerOrNull(row, 'start_ticks'),
  pgid: integerOrNull(row, 'pgid'),
  isolation: text(row, 'isolation'),
  container_id: textOrNull(row, 'container_id'),
  run_id: textOrNull(row, 'run_id'),
  state: text(row, 'state') as ProcessRow['state'],
  created: text(row, 'created'),
  last_used: integerOrNull(row, 'last_used'), // as above
});

/**
 * SQL for history. Each question is a fixed number of statements, whatever the number of commits; what changed in which
 * commit is worked out from the returned sets. Merge commits are skipped: a change belongs to whoever made it.
 */
import type { BlameEntry, LogEntry } from '../../port.js';
import type { SqlConnection, SqlRow, SqlValue } from '../connection.js';

const ISO = (value: SqlValue | undefined): string =>
  `${String(value)
    .replace(' ', 'T')
    .replace(/\.(\d{3})\d*$/, '.$1')}Z`;

/** The message of a commit: a first line, and a trailer that names git's commit. */
export const commitMessage = (line: string, git: string | null): string =>
  git === null ? line : `${line}\n\ngit: ${git}`;
export function splitMessage(message: string): { readonly message: string; readonly git: string | null } {
  const git = /^git: ([0-9a-f]{40,64})$/m.exec(message)?.[1];
  return { message: message.split('\n')[0] ?? '', git: git ?? null };
}

/** git's commit at the time of a Dolt commit: its own, else that of the newest one before it that has one. One statement. */
export async function readGitOf(connection: SqlConnection, commit: string): Promise<string | null> {
  const rows = await connection.query(
    "SELECT message FROM dolt_log(?) WHERE message LIKE '%git: %' ORDER BY commit_order DESC",
    [commit],
  );
  for (const row of rows) {
    const { git } = splitMessage(String(row['message']));
    if (git !== null) return git;
  }
  return null;
}

interface CommitInfo extends LogEntry {
  readonly order: number;
  /** First parent; null for the first commit. */
  readonly parent: string | null;
  readonly merge: boolean;
}

async function commits(connection: SqlConnection): Promise<Map<string, CommitInfo>> {
  const rows = await connection.query(
    'SELECT l.commit_hash, l.author, l.author_email, l.author_date, l.message, l.commit_order, a.parent_hash, a.parent_index FROM dolt_log l LEFT JOIN dolt_commit_ancestors a ON a.commit_hash = l.commit_hash',
  );
  const result = new Map<string, CommitInfo>();
  for (const row of rows) {
    const commit = String(row['commit_hash']);
    const known = result.get(commit);
    const first = Number(row['parent_index'] ?? 0) === 0;
    result.set(commit, {
      commit,
      author: `${String(row['author'])} <${String(row['author_email'])}>`,
      date: ISO(row['author_date']),
      ...splitMessage(String(row['message'])),
      order: Number(row['commit_order']),
      parent: first ? ((row['parent_hash'] as string | null) ?? null) : (known?.parent ?? null),
      merge: known !== undefined || !first,
    });
  }
  return result;
}

interface Change {
  readonly commit: CommitInfo;
  readonly id: string;
  readonly field: string;
  readonly from: SqlValue;
  readonly to: SqlValue;
}

interface Changes {
  /** Oldest first. */
  readonly list: readonly Change[];
  /** What has a value now, by entity and field. */
  readonly present: ReadonlyMap<string, SqlValue>;
}

const BOOKKEEPING = new Set(['commit_hash', 'committer', 'commit_date', 'committer_email', 'link_key', 'repeat']);

interface Subject {
  readonly sql: string;
  readonly ids: readonly string[];
  /** Name of the entity that a row is about. */
  readonly id: (row: SqlRow) => string;
  /** Field name of a column; null to leave it out. A link's row is one field of its criterion. */
  readonly field: (row: SqlRow, column: string) => string | null;
}

const byColumn = (row: SqlRow, column: string): string | null => (column === 'id' ? null : column);
const SUBJECTS = (id: string): readonly Subject[] => [
  { sql: 'SELECT * FROM dolt_history_spec WHERE id = ?', ids: [id], id: (row) => String(row['id']), field: byColumn },
  {
    sql: 'SELECT * FROM dolt_history_relation WHERE spec_id = ?',
    ids: [id],
    id: (row) => String(row['spec_id']),
    field: (row, column) => (column === 'target_id' ? `${String(row['kind'])}[${String(row['target_id'])}]` : null),
  },
  // Two statements, since Dolt reads the whole table of every commit for an OR (22 s against 24 ms over 50 commits of 20,000 rows).
  {
    sql: 'SELECT * FROM dolt_history_criterion WHERE id = ?',
    ids: [id],
    id: (row) => String(row['id']),
    field: byColumn,
  },
  {
    sql: 'SELECT * FROM dolt_history_criterion WHERE spec_id = ?',
    ids: [id],
    id: (row) => String(row['id']),
    field: byColumn,
  },
];
const linkField = (row: SqlRow, column: string): string | null =>
  ['criterion_id', 'list', 'kind', 'position'].includes(column)
    ? null
    : column === 'target'
      ? `${String(row['list'])}[${String(row['target'])}]`
      : `${String(row['list'])}[${String(row['target'])}].${column}`;

/** Every change of a spec (its criteria and links included) or of a criterion, merges left out, oldest first. */
async function changes(connection: SqlConnection, id: string, all: ReadonlyMap<string, CommitInfo>): Promise<Changes> {
  const result: Change[] = [];
  const present = new Map<string, SqlValue>();
  const head = String((await connection.query("SELECT HASHOF('HEAD') AS head"))[0]?.['head']);
  const take = (rows: readonly SqlRow[], subject: Pick<Subject, 'id' | 'field'>): void => {
    // entity and field → commit → value
    const values = new Map<string, Map<string, SqlValue>>();
    for (const row of rows) {
      for (const [column, value] of Object.entries(row)) {
        const field = BOOKKEEPING.has(column) ? null : subject.field(row, column);
        if (field === null || value === null) continue;
        const name = `${subject.id(row)}\u0000${field}`;
        const history = values.get(name) ?? new Map<string, SqlValue>();
        values.set(name, history);
        history.set(String(row['commit_hash']), value);
      }
    }
    for (const [name, history] of values) {
      const [entity = '', field = ''] = name.split('\u0000');
      const now = history.get(head);
      if (now !== undefined) present.set(name, now);
      for (const commit of all.values()) {
        if (commit.merge) continue;
        const to = history.get(commit.commit) ?? null;
        const from = commit.parent === null ? null : (history.get(commit.parent) ?? null);
        if (to !== from) result.push({ commit, id: entity, field, from, to });
      }
    }
  };
  const criteria = new Set<string>();
  for (const subject of SUBJECTS(id)) {
    const rows = await connection.query(subject.sql, subject.ids);
    if (subject.sql.includes('criterion')) for (const row of rows) criteria.add(String(row['id']));
    take(rows, subject);
  }
  if (criteria.size > 0)
    take(
      await connection.query('SELECT * FROM dolt_history_declared_link WHERE criterion_id IN (?)', [[...criteria]]),
      {
        id: (row) => String(row['criterion_id']),
        field: linkField,
      },
    );
  return { list: result.sort((left, right) => left.commit.order - right.commit.order), present };
}

const entry = ({ commit, author, date, message, git }: CommitInfo): LogEntry => ({
  commit,
  author,
  date,
  message,
  git,
});

/** Newest first. With an id: only commits that changed it. */
export async function readLog(
  connection: SqlConnection,
  id: string | null,
  limit: number,
): Promise<readonly LogEntry[]> {
  const all = await commits(connection);
  const wanted =
    id === null
      ? [...all.values()].filter((commit) => !commit.merge)
      : [...new Set((await changes(connection, id, all)).list.map((change) => change.commit))];
  return wanted
    .sort((left, right) => right.order - left.order)
    .slice(0, limit)
    .map(entry);
}

/** For each field with a value now: the last change that gave it this value. Sorted by id and field. */
export async function readBlame(connection: SqlConnection, id: string): Promise<readonly BlameEntry[]> {
  const all = await commits(connection);
  const { list, present } = await changes(connection, id, all);
  const giver = new Map<string, Change>();
  for (const change of list) {
    const name = `${change.id}\u0000${change.field}`;
    // A later change on a branch that lost in a merge did not give the present value.
    if (present.get(name) === change.to) giver.set(name, change);
  }
  const text = (value: SqlValue): string | null => (value === null ? null : String(value));
  return [...giver.values()]
    .filter((change) => change.field !== 'position')
    .map((change) => ({
      id: change.id,
      field: change.field,
      value: text(change.to),
      previous: text(change.from),
      ...entry(change.commit),
    }))
    .sort((left, right) => (left.id === right.id ? (left.field < right.field ? -1 : 1) : left.id < right.id ? -1 : 1));
}

/**
 * The schema, as numbered steps that only go forward. A step that was released is never edited: its hash is recorded with
 * it, and a difference is an error. A database with more steps than we know comes from a newer version and is refused.
 */
import { failure, success, type Failure, type Result } from '../../model/index.js';
import { hashFields } from '../../util/hash.js';
import type { SqlConnection } from './connection.js';
import { damaged, sqlNumber, unavailable } from './failures.js';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly statements: readonly string[];
}

/** Texts are compared exactly, so that ids that differ in case or accent are different ids here too. */
const TEXT = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin';
const id = (column: string): string => `${column} VARCHAR(256) ${TEXT} NOT NULL`;
const name = (column: string): string => `${column} VARCHAR(255) ${TEXT}`;
const text = (column: string): string => `${column} LONGTEXT ${TEXT}`;

export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'catalog, runs, sync',
    statements: [
      `CREATE TABLE spec (${id('id')}, ${text('title')} NOT NULL, ${name('level')} NOT NULL, ${name('status')} NOT NULL, ${text('slug')}, ${text('owner')}, ${text('intent')}, ${text('description')}, ${text('extra')}, PRIMARY KEY (id))`,
      `CREATE TABLE criterion (${id('id')}, ${id('spec_id')}, ${name('position')} NOT NULL, ${text('title')} NOT NULL, ${text('slug')}, ${text('intent')}, ${text('description')}, ${name('review')}, ${name('risk')}, ${text('concerns')}, ${name('status')}, ${text('gap')}, ${text('extra')}, PRIMARY KEY (id), KEY criterion_spec (spec_id), CONSTRAINT criterion_of_spec FOREIGN KEY (spec_id) REFERENCES spec (id))`,
      `CREATE TABLE relation (${id('spec_id')}, kind VARCHAR(32) ${TEXT} NOT NULL, ${id('target_id')}, \`repeat\` INT NOT NULL, ${name('position')} NOT NULL, PRIMARY KEY (spec_id, kind, target_id, \`repeat\`), CONSTRAINT relation_of_spec FOREIGN KEY (spec_id) REFERENCES spec (id))`,
      `CREATE TABLE declared_link (${id('criterion_id')}, link_key CHAR(32) NOT NULL, ${name('list')} NOT NULL, ${name('position')} NOT NULL, ${name('kind')} NOT NULL, ${text('target')} NOT NULL, ${text('link_id')}, ${name('runner')}, ${name('place')}, ${text('environment')}, ${name('timeout')}, ${text('note')}, ${text('options')}, PRIMARY KEY (criterion_id, link_key), CONSTRAINT link_of_criterion FOREIGN KEY (criterion_id) REFERENCES criterion (id))`,
      `CREATE TABLE found_test (test_key CHAR(32) NOT NULL, ${text('selector')} NOT NULL, ${name('runner')}, ${text('file')} NOT NULL, line INT, PRIMARY KEY (test_key))`,
      `CREATE TABLE found_link (${id('criterion_id')}, test_key CHAR(32) NOT NULL, PRIMARY KEY (criterion_id, test_key), CONSTRAINT found_link_test FOREIGN KEY (test_key) REFERENCES found_test (test_key))`,
      `CREATE TABLE run (id CHAR(26) NOT NULL, ${name('session')} NOT NULL, started_at VARCHAR(40) NOT NULL, commit_id VARCHAR(64), dirty BOOLEAN NOT NULL, ${name('tree')} NOT NULL, pass INT NOT NULL, fail INT NOT NULL, skip INT NOT NULL, error INT NOT NULL, cached INT NOT NULL, executed INT NOT NULL, duration_ms BIGINT NOT NULL, ${name('ended')}, PRIMARY KEY (id), KEY run_commit (commit_id))`,
      `CREATE TABLE criterion_result (run_id CHAR(26) NOT NULL, ${id('criterion_id')}, ${id('spec_id')}, ${name('verdict')} NOT NULL, ${name('reason')} NOT NULL, ${text('detail')}, wording CHAR(64) NOT NULL, PRIMARY KEY (run_id, criterion_id), KEY result_criterion (criterion_id), CONSTRAINT criterion_result_run FOREIGN KEY (run_id) REFERENCES run (id))`,
      `CREATE TABLE check_result (run_id CHAR(26) NOT NULL, ${id('criterion_id')}, number INT NOT NULL, ${text('link')} NOT NULL, ${name('kind')} NOT NULL, ${name('runner')}, ${name('place')} NOT NULL, ${name('verdict')} NOT NULL, ${name('reason')} NOT NULL, ${name('proof')}, ${text('file')}, line INT, exit_code INT, attempt INT NOT NULL, duration_ms DOUBLE NOT NULL, cached BOOLEAN NOT NULL, ${name('source_hash')} NOT NULL, ${name('output_sha256')}, PRIMARY KEY (run_id, criterion_id, number), CONSTRAINT check_result_run FOREIGN KEY (run_id) REFERENCES run (id))`,
      `CREATE TABLE branch_map (git_name VARBINARY(1024) NOT NULL, dolt_name VARCHAR(255) ${TEXT} NOT NULL, PRIMARY KEY (dolt_name))`,
      // Local to this clone: never part of a Dolt commit, so that pushing and pulling leaves it alone.
      `INSERT INTO dolt_ignore VALUES ('sync_state', true)`,
    ],
  },
  {
    number: 2,
    // A wording is `sha256:` and 64 digits; a reason may name what was unavailable, a session is any text.
    name: 'runs: room for wordings and reasons; bases of several clones',
    statements: [
      `ALTER TABLE criterion_result MODIFY ${name('wording')} NOT NULL`,
      `ALTER TABLE criterion_result MODIFY ${text('reason')} NOT NULL`,
      `ALTER TABLE check_result MODIFY ${text('reason')} NOT NULL`,
      `ALTER TABLE run MODIFY ${text('session')} NOT NULL`,
      `INSERT INTO dolt_ignore VALUES ('sync_state_%', true)`,
    ],
  },
  {
    number: 3,
    // Fields without a column of their own: the next field of the model needs no step here.
    name: 'fields of specs and criteria',
    statements: [`ALTER TABLE spec ADD COLUMN ${text('fields')}`, `ALTER TABLE criterion ADD COLUMN ${text('fields')}`],
  },
];

/** Each Dolt branch's own, since it is no part of commits. `table` is a name of ours, which needs no quotes. */
export const syncStateTable = (table: string): string =>
  `CREATE TABLE IF NOT EXISTS ${table} (${id('spec_id')}, ${text('path')}, ${name('file_hash')}, dolt_commit CHAR(32), ${text('base')} NOT NULL, PRIMARY KEY (spec_id))`;

export const hashOf = (migration: Migration): string =>
  hashFields([String(migration.number), migration.name, ...migration.statements]);

const LEDGER = `CREATE TABLE IF NOT EXISTS schema_migration (number INT NOT NULL, ${name('name')} NOT NULL, hash CHAR(64) NOT NULL, PRIMARY KEY (number))`;

/** What a database has of the known steps. Failures: a newer schema is `unavailable`, an edited step is `damaged-state`. */
export async function pendingMigrations(
  connection: SqlConnection,
  known: readonly Migration[] = MIGRATIONS,
): Promise<Result<readonly Migration[]>> {
  const rows = await connection
    .query('SELECT number, name, hash FROM schema_migration ORDER BY number')
    .catch((error: unknown) => {
      if (sqlNumber(error) === 1146) return [];
      throw error;
    });
  const newest = known.at(-1)?.number ?? 0;
  const trouble = rows.flatMap((row): Failure[] => {
    const number = Number(row['number']);
    if (number > newest)
      return [
        unavailable(
          `The store has schema ${number}; this version of coherence knows schemas up to ${newest}.`,
          'Update coherence.',
        ),
      ];
    const mine = known.find((migration) => migration.number === number);
    return mine === undefined || hashOf(mine) !== row['hash']
      ? [
          damaged(
            `Schema step ${number} (${String(row['name'])}) of the store is not the one that this version knows.`,
            'The store was made by a changed or unreleased version; use that one.',
          ),
        ]
      : [];
  });
  if (trouble.length > 0) return failure(...trouble);
  const done = new Set(rows.map((row) => Number(row['number'])));
  return success(known.filter((migration) => !done.has(migration.number)));
}

/**
 * Brings the current branch up to date, one Dolt commit a step; resolves to the numbers of the steps done.
 * The caller holds the start lock. What a killed migration left is cleared first: a step counts only once it is committed.
 */
export async function migrate(
  connection: SqlConnection,
  author: string,
  known: readonly Migration[] = MIGRATIONS,
): Promise<Result<readonly number[]>> {
  const pending = await pendingMigrations(connection, known);
  if (!pending.ok || pending.value.length === 0) return pending.ok ? success([]) : pending;
  await connection.query("CALL DOLT_RESET('--hard')");
  await connection.query('CALL DOLT_CLEAN()');
  for (const migration of pending.value) {
    for (const statement of [LEDGER, ...migration.statements]) await connection.query(statement);
    await connection.query('INSERT INTO schema_migration VALUES (?, ?, ?)', [
      migration.number,
      migration.name,
      hashOf(migration),
    ]);
    await connection.query("CALL DOLT_COMMIT('-A', '-m', ?, '--author', ?)", [
      `Schema ${migration.number}: ${migration.name}`,
      author,
    ]);
  }
  return success(pending.value.map((migration) => migration.number));
}

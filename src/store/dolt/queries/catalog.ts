/** SQL for the catalog's four tables. */
import type { Spec } from '../../../model/index.js';
import { identifier } from '../../database-name.js';
import type { SqlConnection, SqlRow } from '../connection.js';
import { sqlNumber } from '../failures.js';
import { CATALOG_TABLES, COLUMNS, keyOf, toRows, type CatalogRows, type CatalogTable } from '../rows.js';
import { inRow } from '../statements.js';

const CHUNK = 1000;
const NO_ROWS: CatalogRows = { spec: [], criterion: [], relation: [], declared_link: [] };
const HASH = /^[0-9a-v]{32}$/;

export const chunks = <T>(list: readonly T[], size = CHUNK): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));

/** What follows a table's name to read it as it was at a commit (a full hash); nothing for now. */
export function asOf(commit: string | undefined): string {
  if (commit === undefined) return '';
  if (!HASH.test(commit)) throw new Error(`not a Dolt commit: ${commit}`);
  return ` AS OF '${commit}'`;
}

/** Runs a query that reads tables `asOf` a commit. In the commits before the schema there was none of them: nothing then. */
export async function rowsThen(
  connection: SqlConnection,
  commit: string | undefined,
  statement: string,
  values?: readonly unknown[],
): Promise<readonly SqlRow[]> {
  return connection.query(statement, values).catch((error: unknown) => {
    if (commit !== undefined && sqlNumber(error) === 1146) return [];
    throw error;
  });
}

/** All rows of the branch, or of a commit (a full hash). */
export async function readRows(connection: SqlConnection, commit?: string): Promise<CatalogRows> {
  const read = async (table: CatalogTable): Promise<readonly SqlRow[]> =>
    rowsThen(connection, commit, `SELECT * FROM ${table}${asOf(commit)}`);
  return {
    spec: await read('spec'),
    criterion: await read('criterion'),
    relation: await read('relation'),
    declared_link: await read('declared_link'),
  };
}

/** Rows of some specs, and of criteria that are to come to them from others. */
async function readSome(
  connection: SqlConnection,
  specs: readonly string[],
  criteria: readonly string[],
): Promise<CatalogRows> {
  const rows: Record<CatalogTable, SqlRow[]> = { spec: [], criterion: [], relation: [], declared_link: [] };
  const within = async (table: CatalogTable, column: string, ids: readonly string[]): Promise<void> => {
    for (const part of chunks(ids))
      rows[table].push(...(await connection.query(`SELECT * FROM ${table} WHERE ${column} IN (?)`, [part])));
  };
  await within('spec', 'id', specs);
  await within('relation', 'spec_id', specs);
  await within('criterion', 'spec_id', specs);
  const seen = new Set(rows.criterion.map((row) => String(row['id'])));
  await within(
    'criterion',
    'id',
    criteria.filter((id) => !seen.has(id)),
  );
  await within(
    'declared_link',
    'criterion_id',
    rows.criterion.map((row) => String(row['id'])),
  );
  return rows;
}

const isEmptyTable = async (connection: SqlConnection, table: CatalogTable): Promise<boolean> =>
  (await connection.query(`SELECT 1 AS one FROM ${table} LIMIT 1`)).length === 0;

/** Makes the rows of these specs say exactly `upsert` and removes others; rows that stay the same are not written. */
export async function writeSpecs(
  connection: SqlConnection,
  upsert: readonly Spec[],
  remove: readonly string[],
): Promise<void> {
  if (!(await isEmptyTable(connection, 'spec'))) {
    const known = await readSome(
      connection,
      [...upsert.map((spec) => spec.id), ...remove],
      upsert.flatMap((spec) => (spec.criteria ?? []).map((criterion) => criterion.id)),
    );
    return replaceRows(connection, known, toRows(upsert, known));
  }
  // Into empty tables every child comes with its parent by construction; checking each row again doubles the time.
  await connection.query('SET foreign_key_checks = 0');
  try {
    await fill(connection, upsert);
  } finally {
    await connection.query('SET foreign_key_checks = 1').catch(() => undefined);
  }
}

/** Specs whose rows are made at a time: few, since the server waits for the first of them. */
const AT_A_TIME = 25;

/** Writes specs into empty tables. Rows are made while the server takes in those before; what is null everywhere is not sent. */
async function fill(connection: SqlConnection, specs: readonly Spec[]): Promise<void> {
  const statements = inRow(connection);
  const waiting: Record<CatalogTable, SqlRow[]> = { spec: [], criterion: [], relation: [], declared_link: [] };
  const send = async (table: CatalogTable, rows: readonly SqlRow[]): Promise<void> => {
    const { key, rest } = COLUMNS[table];
    // The server's time goes by the values that it reads: half of them are null in a usual catalog.
    const columns = [...key, ...rest.filter((column) => rows.some((row) => (row[column] ?? null) !== null))];
    await statements.send(`INSERT INTO ${table} (${columns.map(identifier).join(', ')}) VALUES ?`, [
      rows.map((row) => columns.map((column) => row[column] ?? null)),
    ]);
  };
  for (const some of chunks(specs, AT_A_TIME)) {
    const rows = toRows(some, NO_ROWS);
    for (const table of CATALOG_TABLES) {
      const list = waiting[table];
      for (const row of rows[table]) list.push(row);
      while (list.length >= CHUNK) await send(table, list.splice(0, CHUNK));
    }
  }
  for (const table of CATALOG_TABLES) if (waiting[table].length > 0) await send(table, waiting[table]);
  await statements.end();
}

/** Turns the rows `known` into `next`. Parents are written before children and removed after them. */
export async function replaceRows(connection: SqlConnection, known: CatalogRows, next: CatalogRows): Promise<void> {
  for (const table of CATALOG_TABLES) {
    const before = new Map(known[table].map((row) => [keyOf(table, row), row]));
    const { key, rest } = COLUMNS[table];
    const columns = [...key, ...rest];
    const changed = next[table].filter((row) => {
      const old = before.get(keyOf(table, row));
      return old === undefined || rest.some((column) => old[column] !== row[column]);
    });
    const list = columns.map(identifier).join(', ');
    const update =
      before.size === 0
        ? ''
        : ` ON DUPLICATE KEY UPDATE ${rest.map((column) => `${identifier(column)} = VALUES(${identifier(column)})`).join(', ')}`;
    for (const part of chunks(changed))
      await connection.query(`INSERT INTO ${table} (${list}) VALUES ?${update}`, [
        part.map((row) => columns.map((column) => row[column] ?? null)),
      ]);
  }
  for (const table of CATALOG_TABLES.toReversed()) {
    const after = new Set(next[table].map((row) => keyOf(table, row)));
    const gone = known[table].filter((row) => !after.has(keyOf(table, row)));
    const { key } = COLUMNS[table];
    for (const part of chunks(gone, 500))
      await connection.query(`DELETE FROM ${table} WHERE (${key.map(identifier).join(', ')}) IN (?)`, [
        part.map((row) => key.map((column) => row[column])),
      ]);
  }
}

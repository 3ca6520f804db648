import { describe, expect, it } from 'vitest';
import type { Criterion, Spec } from '../../src/model/index.js';
import { inRow } from '../../src/store/dolt/statements.js';
import { openServer } from '../../src/store/index.js';
import { doltHere, get, newPlace, open } from './rig.js';

const real = describe.skipIf(!doltHere);

/** Over one statement's worth of criteria in a spec of its own and spread over many; fields that only some rows have. */
const catalog = (): Spec[] => {
  const criterion = (spec: number, at: number): Criterion => ({
    id: `AC-${spec}-${String(at).padStart(4, '0')}`,
    title: `it's "statement" ${at} \\ of ${spec} 🙂`,
    ...(at % 900 === 7
      ? { gap: 'nobody knows', status: 'draft', concerns: ['security'], extra: { jsonl: { fields: { at } } } }
      : {}),
    ...(at % 900 === 8
      ? { description: 'two\nlines', intent: '', implemented_by: [{ code: 'src/a.ts::b', note: 'x' }] }
      : {}),
    ...(at % 2 === 0
      ? { verified_by: [{ kind: 'run', target: `true ${at}`, ...(at % 500 === 0 ? { timeout: '5s' } : {}) }] }
      : {}),
  });
  const spec = (at: number, criteria: number): Spec => ({
    id: `SPEC-${String(at).padStart(3, '0')}`,
    title: `spec ${at}`,
    level: 'module',
    status: 'active',
    ...(at === 17 ? { owner: 'Ann', slug: 's', constrained_by: ['SPEC-001', 'SPEC-002'] } : {}),
    criteria: Array.from({ length: criteria }, (_, number) => criterion(at, number)),
  });
  return [spec(0, 2300), ...Array.from({ length: 60 }, (_, at) => spec(at + 1, 30))];
};

real('a first fill', () => {
  // @verifies AC-store-fill
  it('gives back every field of every row, and the second time there is nothing to write', async () => {
    const session = await open(await newPlace());
    const specs = catalog();
    const write = async (): Promise<string | null> =>
      get(
        await session.write({
          upsert: specs,
          remove: [],
          sync: specs.map((one) => ({ spec: one.id, path: `specs/${one.id}.yaml`, fileHash: one.title, base: one })),
          unsync: [],
          message: 'fill',
          git: null,
        }),
      );
    expect(await write()).toMatch(/^[0-9a-v]{32}$/);
    expect(get(await session.catalog()).specs.toSorted((left, right) => (left.id < right.id ? -1 : 1))).toEqual(specs);
    const entries = get(await session.syncEntries());
    expect(entries.map((entry) => [entry.spec, entry.fileHash, entry.base])).toEqual(
      specs.map((one) => [one.id, one.title, one]),
    );
    expect(await write()).toBeNull();
    await session.close();
  });

  // @verifies AC-store-fill-stops
  it('sends nothing after a statement that failed, so that nothing can end up outside the transaction', async () => {
    const { connection, close } = get(await openServer(await newPlace()));
    for (const statement of ['CREATE DATABASE row_test', 'USE row_test', 'CREATE TABLE t (id INT PRIMARY KEY)'])
      await connection.query(statement);
    const statements = inRow(connection);
    await statements.send('INSERT INTO t VALUES (?)', [1]);
    await statements.send('INSERT INTO t VALUES (?)', [1]);
    await expect(statements.send('INSERT INTO t VALUES (?)', [2])).rejects.toThrow(/duplicate/i);
    await expect(statements.end()).rejects.toThrow(/duplicate/i);
    expect((await connection.query('SELECT id FROM t')).map((row) => row['id'])).toEqual([1]);
    await close();
  });
});

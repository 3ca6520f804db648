import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { getRun, journalPath, listRuns, localQueue, openJournal, repairJournal } from '../../src/journal/index.js';
import { newRun, testJournal } from './rig.js';

describe('a damaged journal', () => {
  // @verifies AC-orchestrator-journal-damaged
  it('is refused with its path and stays as it is', async () => {
    await using test = await testJournal();
    test.journal.close();
    const path = journalPath(test.folder);
    await writeFile(path, 'this is no database, and it is long enough to be read as a header of one '.repeat(20));
    const before = await readFile(path);
    const opened = await openJournal(test.folder, { check: true });
    expect(opened).toMatchObject({
      ok: false,
      failures: [{ kind: 'damaged-state', file: path, hint: expect.stringContaining('--repair') }],
    });
    expect((await readFile(path)).equals(before)).toBe(true);
  });

  // @verifies AC-orchestrator-journal-damaged
  it('with a broken page inside is found by the check at boot, and repair saves what can be read', async () => {
    await using test = await testJournal();
    const queue = localQueue(test.journal);
    const runs = Array.from({ length: 200 }, () =>
      newRun({ payload: { criteria: ['x'.repeat(400)], whole: true, place: null, options: {}, keep_worktree: false } }),
    );
    queue.enqueue(runs);
    test.journal.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const leaf = Number(
      test.journal.database.sql("SELECT rootpage FROM sqlite_master WHERE name='runs'").get()?.['rootpage'],
    );
    test.journal.close();
    const path = journalPath(test.folder);
    const file = await open(path, 'r+');
    const { size } = await file.stat();
    // A page well behind the root of the runs table: one of its leaves.
    const page = Math.min(Math.floor(size / 4096) - 4, leaf + 30);
    await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, (page - 1) * 4096);
    await file.close();
    expect(await openJournal(test.folder, { check: true })).toMatchObject({
      ok: false,
      failures: [{ kind: 'damaged-state' }],
    });

    const repaired = await repairJournal(test.folder);
    expect(repaired).toMatchObject({ ok: true, value: { incomplete: expect.arrayContaining(['runs']) } });
    const reopened = await openJournal(test.folder, { check: true });
    if (!reopened.ok) throw new Error('the repaired journal opens');
    using journal = reopened.value;
    const saved = listRuns(journal.database).length;
    expect(saved).toBeGreaterThan(100);
    expect(saved).toBeLessThan(200);
    expect(getRun(journal.database, runs[0]?.run_id ?? '')).toMatchObject({ state: 'queued' });
    expect((await readdir(test.folder)).filter((name) => name.includes('.damaged-')).length).toBeGreaterThan(0);
  });

  it('of a newer version is refused, not rewritten', async () => {
    await using test = await testJournal();
    test.journal.database.exec('PRAGMA user_version=99');
    test.journal.close();
    expect(await openJournal(test.folder)).toMatchObject({
      ok: false,
      failures: [{ kind: 'damaged-state', message: expect.stringContaining('version 99') }],
    });
  });

  it('in a folder that cannot be written is a failure with the path', async () => {
    expect(await openJournal(join('/proc', 'nowhere'))).toMatchObject({
      ok: false,
      failures: [{ kind: 'damaged-state', file: '/proc/nowhere/orchestrator.db' }],
    });
  });
});

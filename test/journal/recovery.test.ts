import { describe, expect, it } from 'vitest';
import {
  advance,
  beginAttempt,
  getRun,
  heldRuns,
  localQueue,
  openJournal,
  park,
  requeue,
  resultsOf,
  type RunRow,
} from '../../src/journal/index.js';
import { sha256 } from '../../src/util/hash.js';
import { newRun, testClock, testJournal, type TestJournal } from './rig.js';

const BASIS = { spec_rev: 'rev', source: 'commit' };

/** A run that died at work with these criteria settled. */
function diedWith(test: TestJournal, criteria: readonly string[]): RunRow {
  const queue = localQueue(test.journal);
  const [run] = queue.claim(1, 'dead');
  if (run === undefined) throw new Error('nothing to claim');
  const claimed = { run_id: run.run_id, fence: run.fence };
  advance(test.journal.database, claimed, 'running');
  beginAttempt(test.journal.database, claimed, BASIS);
  for (const ac of criteria) {
    const payload = JSON.stringify({ id: ac });
    queue.record({
      ...claimed,
      ac_id: ac,
      attempt: run.attempt,
      verdict: 'PASS',
      evidence_sha: sha256(payload),
      payload,
    });
  }
  const held = heldRuns(test.journal.database, 'self')[0];
  if (held === undefined) throw new Error('it is held');
  return held;
}

describe('a run whose daemon died', () => {
  // @verifies AC-orchestrator-lossless
  it('comes back with what it had completed, under the same id, with a higher attempt and fence', async () => {
    await using test = await testJournal();
    const [queued] = localQueue(test.journal).enqueue([newRun()]);
    const run = diedWith(test, ['AC-1', 'AC-2']);
    expect(requeue(test.journal.database, test.clock, run)).toMatchObject({
      kind: 'requeued',
      completed: 2,
      remaining: 1,
      quarantined: null,
    });
    const [again] = localQueue(test.journal).claim(1, 'self');
    expect(again).toMatchObject({ run_id: queued?.run.run_id, attempt: 2, fence: 2 });
    expect(beginAttempt(test.journal.database, { run_id: run.run_id, fence: 2 }, BASIS)).toEqual(['AC-1', 'AC-2']);
    expect(beginAttempt(test.journal.database, { run_id: run.run_id, fence: 1 }, BASIS)).toBeNull();
  });

  // @verifies AC-orchestrator-resume-fence
  it.each([
    ['resume_map', 7],
    ['resume_map', -1],
    ['ac_results', 7],
  ])('believes no %s whose fence is off by %i', async (table, by) => {
    await using test = await testJournal();
    localQueue(test.journal).enqueue([newRun()]);
    const run = diedWith(test, ['AC-1']);
    const { database } = test.journal;
    database.sql(`UPDATE ${table} SET fence=fence+(:by)`).run({ by });
    expect(requeue(database, test.clock, run)).toMatchObject({
      kind: 'requeued',
      completed: 0,
      quarantined: expect.stringContaining('fence'),
    });
    localQueue(test.journal).claim(1, 'self');
    expect(beginAttempt(database, { run_id: run.run_id, fence: 2 }, BASIS)).toEqual([]);
  });

  it('believes an entry whose run was claimed again and died before it began', async () => {
    await using test = await testJournal();
    localQueue(test.journal).enqueue([newRun()]);
    requeue(test.journal.database, test.clock, diedWith(test, ['AC-1']));
    localQueue(test.journal).claim(1, 'dead');
    const [held] = heldRuns(test.journal.database, 'self');
    expect(held === undefined ? null : requeue(test.journal.database, test.clock, held)).toMatchObject({
      completed: 1,
      quarantined: null,
    });
  });

  // @verifies AC-orchestrator-resume-source
  it('keeps no verdict about another spec text or another source', async () => {
    for (const other of [
      { ...BASIS, spec_rev: 'changed' },
      { ...BASIS, source: 'changed' },
    ]) {
      await using test = await testJournal();
      localQueue(test.journal).enqueue([newRun()]);
      const run = diedWith(test, ['AC-1']);
      requeue(test.journal.database, test.clock, run);
      localQueue(test.journal).claim(1, 'self');
      expect(beginAttempt(test.journal.database, { run_id: run.run_id, fence: 2 }, other)).toEqual([]);
      expect(resultsOf(test.journal.database, run.run_id)).toEqual([]);
    }
  });

  // @verifies AC-orchestrator-resume-source
  it('keeps no verdict that was settled after an edit, although the edit was taken back since', async () => {
    await using test = await testJournal();
    localQueue(test.journal).enqueue([newRun()]);
    const run = diedWith(test, ['AC-1']);
    const { database } = test.journal;
    const payload = JSON.stringify({ id: 'AC-2', basis: 'edited' });
    expect(
      localQueue(test.journal).record({
        run_id: run.run_id,
        fence: run.fence,
        ac_id: 'AC-2',
        attempt: 1,
        verdict: 'PASS',
        evidence_sha: sha256(payload),
        payload,
      }),
    ).toBe(true);
    requeue(database, test.clock, run);
    localQueue(test.journal).claim(1, 'self');
    expect(beginAttempt(database, { run_id: run.run_id, fence: 2 }, BASIS)).toEqual(['AC-1']);
    expect(resultsOf(database, run.run_id).map((result) => result.ac_id)).toEqual(['AC-1']);
    expect(database.sql('SELECT ac_id FROM outbox').all()).toEqual([{ ac_id: 'AC-1' }]);
  });

  it('that never started a worker does not count an attempt or a resurrection', async () => {
    await using test = await testJournal();
    localQueue(test.journal).enqueue([newRun()]);
    for (let death = 0; death < 5; death += 1) {
      localQueue(test.journal).claim(1, 'dead');
      const [held] = heldRuns(test.journal.database, 'self');
      expect(held === undefined ? null : requeue(test.journal.database, test.clock, held)).toMatchObject({
        kind: 'requeued',
      });
    }
    expect(localQueue(test.journal).claim(1, 'self')[0]).toMatchObject({ attempt: 1, fence: 6 });
  });

  // @verifies AC-orchestrator-crash-loop
  it('is given up after more than two resurrections in a day, as ERROR(crash) for every open criterion', async () => {
    await using test = await testJournal();
    localQueue(test.journal).enqueue([newRun()]);
    const first = diedWith(test, ['AC-1']);
    expect(requeue(test.journal.database, test.clock, first).kind).toBe('requeued');
    test.clock.advance(3_600_000);
    expect(requeue(test.journal.database, test.clock, diedWith(test, [])).kind).toBe('requeued');
    expect(requeue(test.journal.database, test.clock, diedWith(test, []))).toMatchObject({
      kind: 'dead_letter',
      resurrections: 3,
    });
    expect(getRun(test.journal.database, first.run_id)).toMatchObject({
      state: 'dead_letter',
      verdict: 'ERROR',
      reason: 'crash',
    });
    expect(resultsOf(test.journal.database, first.run_id).map((result) => result.verdict)).toEqual([
      'PASS',
      'ERROR',
      'ERROR',
    ]);
  });

  // @verifies AC-orchestrator-crash-loop
  it('starts to count anew after a day, and goes on counting over a reboot', async () => {
    await using test = await testJournal();
    localQueue(test.journal).enqueue([newRun()]);
    requeue(test.journal.database, test.clock, diedWith(test, []));
    requeue(test.journal.database, test.clock, diedWith(test, []));
    test.clock.advance(25 * 3_600_000);
    expect(requeue(test.journal.database, test.clock, diedWith(test, [])).kind).toBe('requeued');
    requeue(test.journal.database, test.clock, diedWith(test, []));
    const run = diedWith(test, []);
    const rebooted = await openJournal(test.folder, { clock: testClock('boot-2') });
    if (!rebooted.ok) throw new Error('it opens');
    using after = rebooted.value;
    expect(requeue(after.database, after.clock, run)).toMatchObject({ kind: 'dead_letter' });
  });

  // @verifies AC-orchestrator-quarantine
  it('with a corrupt resume row starts again from its first criterion, and the row is kept aside', async () => {
    const damages = [
      (test: TestJournal) => test.journal.database.exec('UPDATE resume_map SET completed=\'[{"ac":\''),
      (test: TestJournal) => test.journal.database.exec('UPDATE resume_map SET completed=\'[{"ac":"AC-1"}]\''),
      (test: TestJournal) =>
        test.journal.database.exec('UPDATE ac_results SET payload=\'{"id":"AC-1","verdict":"PASS"}\''),
      (test: TestJournal) => test.journal.database.exec('DELETE FROM ac_results'),
    ];
    for (const damage of damages) {
      await using test = await testJournal();
      localQueue(test.journal).enqueue([newRun()]);
      const run = diedWith(test, ['AC-1']);
      damage(test);
      const outcome = requeue(test.journal.database, test.clock, run);
      expect(outcome).toMatchObject({ kind: 'requeued', completed: 0, quarantined: expect.any(String) });
      expect(resultsOf(test.journal.database, run.run_id)).toEqual([]);
      expect(test.journal.database.sql('SELECT count(*) AS n FROM quarantine').get()?.['n']).toBe(1);
      localQueue(test.journal).claim(1, 'self');
      expect(beginAttempt(test.journal.database, { run_id: run.run_id, fence: 2 }, BASIS)).toEqual([]);
    }
  });

  it('is parked, claimed by nobody, and still found at the next look', async () => {
    await using test = await testJournal();
    localQueue(test.journal).enqueue([newRun()]);
    const run = diedWith(test, []);
    park(test.journal.database, run);
    expect(localQueue(test.journal).claim(1, 'self')).toEqual([]);
    const [parked] = heldRuns(test.journal.database, 'self');
    expect(parked).toMatchObject({ state: 'parked', reason: 'orphan_indeterminate' });
    expect(parked === undefined ? null : requeue(test.journal.database, test.clock, parked)).toMatchObject({
      kind: 'requeued',
    });
  });
});

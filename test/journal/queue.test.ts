import { describe, expect, it } from 'vitest';
import {
  eligible,
  endRun,
  getRun,
  listRuns,
  localQueue,
  nextDue,
  openJournal,
  resultsOf,
  retry,
} from '../../src/journal/index.js';
import { sha256 } from '../../src/util/hash.js';
import { newRun, testJournal } from './rig.js';

const verdict = (run: string, ac: string, fence: number, value: 'PASS' | 'FAIL' = 'PASS') => {
  const payload = JSON.stringify({ id: ac, verdict: value, reason: value === 'PASS' ? 'executed' : 'assertion' });
  return { run_id: run, ac_id: ac, fence, attempt: 1, verdict: value, evidence_sha: sha256(payload), payload };
};
const PASSED = { verdict: 'PASS', reason: 'executed', detail: '' } as const;
const FAILED = { verdict: 'FAIL', reason: 'assertion', detail: '' } as const;

describe('claims', () => {
  // @verifies AC-orchestrator-order
  it('come by priority, then first in first out', async () => {
    await using test = await testJournal();
    const queue = localQueue(test.journal);
    const runs = [2, 1, 1, 0].map((priority) => newRun({ priority }));
    queue.enqueue(runs);
    const claimed = queue.claim(10, 'me').map((run) => run.run_id);
    expect(claimed).toEqual([runs[3], runs[1], runs[2], runs[0]].map((run) => run?.run_id));
  });

  // @verifies AC-orchestrator-order
  it('leave a run alone until the one it waits for has passed', async () => {
    await using test = await testJournal();
    const queue = localQueue(test.journal);
    const parent = newRun({ priority: 9 });
    const child = newRun({ depends_on: parent.run_id });
    queue.enqueue([parent, child]);
    const [first] = queue.claim(10, 'me');
    expect(first?.run_id).toBe(parent.run_id);
    expect(queue.claim(10, 'me')).toEqual([]);
    expect(queue.complete({ run_id: parent.run_id, fence: first?.fence ?? 0 }, PASSED)).toBe(true);
    expect(queue.claim(10, 'me').map((run) => run.run_id)).toEqual([child.run_id]);
  });

  // @verifies AC-orchestrator-dependents
  it('end what waits for a run that did not pass, down the chain, each criterion with one verdict', async () => {
    await using test = await testJournal();
    const queue = localQueue(test.journal);
    const [a, b, c] = [newRun(), newRun(), newRun()];
    queue.enqueue([a, { ...b, depends_on: a.run_id }, { ...c, depends_on: b.run_id }]);
    const [claimed] = queue.claim(1, 'me');
    queue.complete({ run_id: a.run_id, fence: claimed?.fence ?? 0 }, FAILED);
    for (const id of [b.run_id, c.run_id]) {
      expect(getRun(test.journal.database, id)).toMatchObject({ state: 'done', verdict: 'ERROR', reason: 'canceled' });
      expect(resultsOf(test.journal.database, id).map((result) => [result.ac_id, result.verdict])).toEqual([
        ['AC-1', 'ERROR'],
        ['AC-2', 'ERROR'],
        ['AC-3', 'ERROR'],
      ]);
    }
    const late = newRun({ depends_on: a.run_id });
    expect(queue.enqueue([late])[0]?.run).toMatchObject({ state: 'done', reason: 'canceled' });
  });

  // @verifies AC-orchestrator-fence
  it('raise the fence each time and never give one run to two claimers', async () => {
    await using test = await testJournal();
    const other = await openJournal(test.folder, { clock: test.clock });
    if (!other.ok) throw new Error('the journal opens twice');
    using second = other.value;
    const [one, two] = [localQueue(test.journal), localQueue(second)];
    one.enqueue(Array.from({ length: 20 }, () => newRun()));
    const claimed = Array.from({ length: 10 }, () => [...one.claim(1, 'one'), ...two.claim(1, 'two')]).flat();
    expect(new Set(claimed.map((run) => run.run_id)).size).toBe(20);
    const run = claimed[0];
    if (run === undefined) throw new Error('nothing was claimed');
    one.fail(
      { run_id: run.run_id, fence: run.fence },
      { reason: 'infra', detail: '', delayMs: 0, counts: true, started: true },
    );
    const [again] = two.claim(1, 'two');
    expect(again).toMatchObject({ run_id: run.run_id, fence: run.fence + 1, attempt: 2 });
    expect(one.heartbeat({ run_id: run.run_id, fence: run.fence })).toBe(false);
    expect(one.complete({ run_id: run.run_id, fence: run.fence }, PASSED)).toBe(false);
    expect(one.record(verdict(run.run_id, 'AC-1', run.fence))).toBe(false);
    expect(resultsOf(test.journal.database, run.run_id)).toEqual([]);
    expect(two.record(verdict(run.run_id, 'AC-1', run.fence + 1))).toBe(true);
    expect(two.record(verdict(run.run_id, 'AC-1', run.fence + 1, 'FAIL'))).toBe(false);
    expect(resultsOf(test.journal.database, run.run_id).map((result) => result.verdict)).toEqual(['PASS']);
  });

  // @verifies AC-orchestrator-class-limits
  it('skip what a class limit blocks and take what stands behind it', async () => {
    await using test = await testJournal();
    const queue = localQueue(test.journal);
    const runs = [
      newRun({ backend: 'docker' }),
      newRun({ backend: 'cargo', session_id: 'a' }),
      newRun({ backend: 'cargo', session_id: 'b' }),
      newRun(),
    ];
    queue.enqueue(runs);
    const blocked = { backends: ['docker'], cargoSessions: ['a'], runs: [] } as const;
    expect(eligible(test.journal.database, test.clock, blocked)).toBe(2);
    expect(queue.claim(10, 'me', blocked).map((run) => run.run_id)).toEqual([runs[2]?.run_id, runs[3]?.run_id]);
  });
});

describe('a run that went back', () => {
  // @verifies AC-orchestrator-clock
  it('waits for its time by the monotonic clock, and not at all after a reboot', async () => {
    await using test = await testJournal();
    const queue = localQueue(test.journal);
    queue.enqueue([newRun()]);
    const [run] = queue.claim(1, 'me');
    if (run === undefined) throw new Error('nothing was claimed');
    queue.fail(
      { run_id: run.run_id, fence: run.fence },
      { reason: 'disk_full', detail: '', delayMs: 2000, counts: true, started: false },
    );
    expect(queue.claim(1, 'me')).toEqual([]);
    expect(nextDue(test.journal.database, test.clock)).toBe(2000);
    test.clock.advance(1999);
    expect(queue.claim(1, 'me')).toEqual([]);
    test.clock.advance(1);
    const [again] = queue.claim(1, 'me');
    expect(again).toMatchObject({ attempt: 1, failures: 1, fence: 2 });
    queue.fail(
      { run_id: run.run_id, fence: 2 },
      { reason: 'infra', detail: '', delayMs: 60_000, counts: true, started: true },
    );
    const rebooted = await openJournal(test.folder, { clock: { ...test.clock, bootId: 'boot-2', mono: () => 5 } });
    if (!rebooted.ok) throw new Error('it opens');
    using after = rebooted.value;
    expect(localQueue(after).claim(1, 'me')).toHaveLength(1);
  });
});

describe('requests', () => {
  // @verifies AC-orchestrator-dedupe
  it('with a known key are the same run, also after its end; without a key never', async () => {
    await using test = await testJournal();
    const queue = localQueue(test.journal);
    const [first] = queue.enqueue([newRun({ dedupe_key: 'k' })]);
    const [second] = queue.enqueue([newRun({ dedupe_key: 'k' })]);
    expect(second).toMatchObject({ repeated: true, run: { run_id: first?.run.run_id } });
    const [claimed] = queue.claim(1, 'me');
    queue.complete({ run_id: claimed?.run_id ?? '', fence: claimed?.fence ?? 0 }, PASSED);
    expect(queue.enqueue([newRun({ dedupe_key: 'k' })])[0]).toMatchObject({
      repeated: true,
      run: { run_id: first?.run.run_id, state: 'done' },
    });
    expect(listRuns(test.journal.database)).toHaveLength(1);
    queue.enqueue([newRun(), newRun()]);
    expect(listRuns(test.journal.database)).toHaveLength(3);
  });

  it('are added all or none', async () => {
    await using test = await testJournal();
    const run = newRun();
    expect(() => localQueue(test.journal).enqueue([newRun(), run, run])).toThrow(/UNIQUE/);
    expect(listRuns(test.journal.database)).toEqual([]);
  });
});

describe('ending', () => {
  it('gives criteria without a verdict the reason, and keeps those that have one', async () => {
    await using test = await testJournal();
    const queue = localQueue(test.journal);
    queue.enqueue([newRun()]);
    const [run] = queue.claim(1, 'me');
    if (run === undefined) throw new Error('nothing was claimed');
    queue.record(verdict(run.run_id, 'AC-2', run.fence, 'FAIL'));
    const current = getRun(test.journal.database, run.run_id);
    if (current === null) throw new Error('it is there');
    endRun(test.journal.database, test.clock, current, FAILED, { verdict: 'ERROR', reason: 'run-timeout', detail: '' });
    expect(
      resultsOf(test.journal.database, run.run_id).map((result) => [
        result.ac_id,
        result.verdict,
        JSON.parse(result.payload).reason,
      ]),
    ).toEqual([
      ['AC-2', 'FAIL', 'assertion'],
      ['AC-1', 'ERROR', 'run-timeout'],
      ['AC-3', 'ERROR', 'run-timeout'],
    ]);
    expect(queue.cancel(run.run_id, 'too late')).toMatchObject({ verdict: 'FAIL' });
    expect(retry(test.journal.database, run.run_id)).toMatchObject({
      state: 'queued',
      verdict: null,
      run_id: run.run_id,
    });
    expect(resultsOf(test.journal.database, run.run_id)).toEqual([]);
    expect(queue.claim(1, 'me')[0]).toMatchObject({ attempt: 2, fence: 2 });
    expect(retry(test.journal.database, run.run_id)).toBeNull();
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal, type Clock, type Journal, type NewRun } from '../../src/journal/index.js';
import { ulid } from '../../src/util/ulid.js';

export interface TestClock extends Clock {
  advance(milliseconds: number): void;
}

export function testClock(bootId = 'boot-1'): TestClock {
  let mono = 1_000_000;
  return {
    bootId,
    mono: () => mono,
    now: () => new Date(0).toISOString(),
    advance: (milliseconds) => {
      mono += milliseconds;
    },
  };
}

export interface TestJournal extends AsyncDisposable {
  readonly journal: Journal;
  readonly folder: string;
  readonly clock: TestClock;
}

export async function testJournal(clock = testClock()): Promise<TestJournal> {
  const folder = await mkdtemp(join(tmpdir(), 'coh-journal-'));
  const opened = await openJournal(folder, { clock });
  if (!opened.ok) throw new Error(opened.failures[0]?.message);
  const journal = opened.value;
  return {
    journal,
    folder,
    clock,
    [Symbol.asyncDispose]: async () => {
      try {
        journal.close();
      } catch {
        // The test closed it.
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const newRun = (change: Partial<NewRun> = {}): NewRun => ({
  run_id: ulid(),
  session_id: 's',
  spec_id: 'SPEC-x',
  commit_sha: null,
  backend: 'process',
  priority: 0,
  depends_on: null,
  repo: '/repo',
  dedupe_key: null,
  payload: { criteria: ['AC-1', 'AC-2', 'AC-3'], whole: true, place: null, options: {}, keep_worktree: false },
  ...change,
});

/** Local, durable facts: queue, results, process and worktree ledgers, in one SQLite file. */
export * from './clock.js';
export { JournalTrouble, troubleOf, type Database } from './database.js';
export * from './instances.js';
export * from './journal.js';
export { openLog, type Fields, type Log, type LogLevel } from './log.js';
export { localQueue } from './local-queue.js';
export * from './notes.js';
export * from './processes.js';
export * from './queue.js';
export * from './recovery.js';
export * from './repair.js';
export { beginAttempt, quarantineResume, readResume, record, resultsOf, setCriteria, type Basis } from './results.js';
export {
  advance,
  cancelOrphans,
  cancelWaiting,
  claimOne,
  complete,
  countRuns,
  eligible,
  endRun,
  enqueue,
  getRun,
  listRuns,
  nextDue,
  putBack,
  retry,
  type PutBack,
} from './runs.js';
export * from './types.js';
export * from './worktrees.js';

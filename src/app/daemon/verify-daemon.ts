/** `verify` of one spec through the daemon: its queue, its warm workers, the same record. */
import { join } from 'node:path';
import type { Project } from '../../config/index.js';
import { readRun, runsFolder } from '../../evidence/index.js';
import { isTerminal } from '../../journal/index.js';
import { success, type CriterionRecord, type Result, type RunRecord } from '../../model/index.js';
import { sourceIdentity } from '../../sources/index.js';
import { connectDaemon, type DaemonClient } from './daemon-client.js';
import { newRuns, showQueued } from '../queue/queue.js';
import { exitCodes, type Verification } from '../verify/verify.js';
import type { VerifyContext, VerifyRequest } from '../verify/verify-request.js';

/** Interactive runs go before queued ones. */
const PRIORITY = -100;

/** What the queue has no word for is done by the command itself. */
const fits = (request: VerifyRequest): boolean =>
  request.ids.length === 1 &&
  request.status === undefined &&
  request.risk === undefined &&
  request.changed === undefined &&
  request.require.length === 0 &&
  request.runTimeoutMs === undefined &&
  !request.keepWorktree &&
  !request.speculative &&
  request.run === undefined &&
  request.evidenceRoot === undefined;

/** Null: no daemon runs, or it cannot take the run now; the caller verifies by itself. */
export async function verifyThroughDaemon(
  project: Project,
  request: VerifyRequest,
  context: VerifyContext,
): Promise<Result<Verification> | null> {
  // A test run of a worker must not wait for the worker that runs it.
  if (!fits(request) || (context.env['COHERENCE_RUN_ID'] ?? '') !== '') return null;
  using client = await connectDaemon(project.directories);
  if (client === null) return null;
  // The specs are read while the daemon answers.
  const making = newRuns(
    project,
    {
      ids: request.ids,
      commit: null,
      priority: PRIORITY,
      after: null,
      session: request.session ?? null,
      place: request.place ?? null,
      request: null,
      options: {
        ...(request.jobs === undefined ? {} : { jobs: request.jobs }),
        ...(request.timeoutMs === undefined ? {} : { timeout_ms: request.timeoutMs }),
        ...(request.cache ? {} : { no_cache: true }),
        ...(request.failFast ? { fail_fast: true } : {}),
      },
      // Whatever it turns out to need, a worker that has everything loaded is the fastest to ask.
    },
    'vitest',
  );
  making.catch(() => undefined); // told below, where it is needed
  const status = await client.ask('status', {}, { timeoutMs: 1000 });
  if (
    !status.ok ||
    status.value.state !== 'ready' ||
    status.value.active.length >= Number(status.value.settings['max_workers'])
  )
    return null;
  const runs = await making;
  if (!runs.ok) return runs;
  const env = Object.fromEntries(
    Object.entries(context.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const queued = await client.ask('enqueue', { runs: runs.value, env }, { timeoutMs: 10_000 });
  const id = queued.ok ? queued.value.runs[0]?.run.run_id : undefined;
  if (id === undefined) return null;
  return await follow(project, client, id, context);
}

async function follow(
  project: Project,
  client: DaemonClient,
  id: string,
  context: VerifyContext,
): Promise<Result<Verification>> {
  const ended = await client.ask('wait', { run_id: id }, { onEvent: context.emit, signal: context.signal });
  const interrupted = context.signal.aborted;
  if (interrupted) await client.ask('cancel', { run_id: id }, { timeoutMs: 30_000 });
  else if (!ended.ok) return ended;
  const found = await readRun(project.root, id, async () => false);
  const record = found.ok && !interrupted ? found.value : await fromJournal(project, id, interrupted);
  if (!('schema' in record)) return record;
  return success({
    record,
    exitCode: exitCodes(record),
    folder: join(runsFolder(project.root), id),
    chosen: new Map(),
    source: null,
  });
}

/** A run that ended without evidence of its own (canceled, its worker died): its verdicts are in the journal. */
async function fromJournal(
  project: Project,
  id: string,
  interrupted: boolean,
): Promise<RunRecord | Extract<Result<never>, { ok: false }>> {
  const shown = await showQueued(project, id);
  if (!shown.ok) return shown;
  const { run, criteria } = shown.value;
  const records = criteria.map((item): CriterionRecord => ({
    id: item.id,
    title: '',
    risk: 'medium',
    verdict: item.verdict as CriterionRecord['verdict'],
    reason: item.reason as CriterionRecord['reason'], // as a record had them
    ...(item.detail === null ? {} : { detail: item.detail }),
    wording: '',
    checks: [],
  }));
  const count = (verdict: string): number => records.filter((record) => record.verdict === verdict).length;
  return {
    schema: 'coherence.verify/1',
    run: id,
    session: run.session_id,
    started_at: run.started_at ?? run.enqueued_at,
    source: await sourceIdentity(project.root),
    summary: {
      pass: count('PASS'),
      fail: count('FAIL'),
      skip: count('SKIP'),
      error: count('ERROR'),
      cached: 0,
      executed: 0,
      duration_ms: 0,
    },
    specs: [
      {
        id: run.spec_id,
        title: '',
        level: '',
        status: '',
        verdict: run.verdict ?? 'ERROR',
        reason: (run.reason ?? 'canceled') as CriterionRecord['reason'],
        criteria: records,
      },
    ], // as it was stored
    warm: { status: 'Skipped', reason: 'disabled' },
    diagnostics: [],
    ...(interrupted ? { ended: 'interrupted' as const } : {}),
    notes: [
      isTerminal(run.state)
        ? `The run ended in the daemon: ${run.detail ?? run.reason ?? ''}`
        : 'The run goes on in the daemon.',
    ],
  };
}

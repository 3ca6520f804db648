/**
 * Cases → outcomes: groups what may share a process, runs up to `jobs` batches side by side in their places, in the
 * order that `needs` asks for. Every case has an outcome at the end, whatever happened to its batch.
 */
import { setMaxListeners } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  verdictOf,
  type Batch,
  type Case,
  type EventSink,
  type Observed,
  type Outcome,
  type PlaceName,
  type RunnerName,
} from '../model/index.js';
import type { Place, RunContext, Runner, Workspace } from './adapters.js';
import { withArtifacts } from './decorators/artifacts.js';
import { withRetry } from './decorators/retry.js';
import { semaphore, type Semaphore } from './semaphore.js';
import { CRITERIA_FILE_VARIABLE, criteriaOfCases, needsCriteriaFile } from './environment.js';
import { notStarted } from './outcome.js';
import { gateOf, groupsOf, inCycle, runnerOf } from './schedule.js';

/** Without this tool's own folder for reports, which each run has anew. */
function withoutBelow(folder: string, observed: Observed): Observed {
  if (!observed.ok) return observed;
  const inputs = observed.observation.inputs.filter(({ path }) => path !== folder && !path.startsWith(`${folder}/`));
  return { ok: true, observation: { ...observed.observation, inputs } };
}

/** A private daemon for a case that requires `orchestrator`. */
export interface PrivateDaemon extends AsyncDisposable {
  /** `COHERENCE_STATE_DIR` and what else leads to it. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ExecuteOptions {
  /** Absolute path of the project's root. */
  readonly root: string;
  /** Asked once a place and run; closed at the end. */
  readonly places: (name: PlaceName) => Place;
  readonly runners: ReadonlyMap<RunnerName, Runner>;
  /** Programs that run at once, at least 1. */
  readonly jobs: number;
  /** Aborted on SIGINT. */
  readonly signal: AbortSignal;
  readonly runTimeoutMs?: number;
  readonly failFast: boolean;
  readonly emit: EventSink;
  /** Set for every case, `COHERENCE_RUN_ID` among them. */
  readonly env: Readonly<Record<string, string>>;
  /** How often infrastructure trouble is retried. */
  readonly retryCount: number;
  readonly cargoEnv: readonly (readonly [string, string])[];
  /** Existing folder for artifacts, below which captured output goes as well. */
  readonly outputFolder: string;
  /** Cases whose cached PASS stands: they count as passed for those that need them. */
  readonly reused?: ReadonlySet<string>;
  /** Starts a private daemon; absent: cases that need one are SKIP(unavailable:orchestrator). */
  readonly privateDaemon?: (entry: Case, signal: AbortSignal) => Promise<PrivateDaemon>;
}

export type EndCause = 'interrupted' | 'run-timeout' | 'fail-fast';

export interface Execution {
  /** By case id; every case has one. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** The first cause that ended the run before all cases had run; absent when it ran to its end. */
  readonly ended?: EndCause;
}

const CAUSE_DETAIL: Readonly<Record<EndCause, string>> = {
  interrupted: 'the run was interrupted',
  'run-timeout': "the run's time limit passed",
  'fail-fast': 'another check failed first (--fail-fast)',
};

/** All of one run's shared state. */
class Run {
  readonly outcomes = new Map<string, Outcome>();
  readonly #options: ExecuteOptions;
  readonly #controller = new AbortController();
  readonly #batches: Semaphore;
  /** Docker's: one more, so that a workspace is made ready, and another cleared away, while containers run. `#programs` counts those. */
  readonly #containerBatches: Semaphore;
  readonly #programs: Semaphore;
  readonly #places = new Map<PlaceName, Place>();
  /** Workspaces that later cases continue in, with the number of batches that still will. */
  readonly #kept = new Map<string, { readonly workspace: Workspace; users: number }>();
  #heirs = new Map<string, number>();
  cause: EndCause | null = null;
  #cut = false;

  constructor(options: ExecuteOptions) {
    // One listener a running program: their number is not a leak.
    setMaxListeners(0, this.#controller.signal);
    this.#options = options;
    this.#batches = semaphore(options.jobs);
    this.#containerBatches = semaphore(options.jobs + 1);
    this.#programs = semaphore(options.jobs);
  }

  get ended(): EndCause | undefined {
    return this.#cut ? (this.cause ?? undefined) : undefined;
  }

  /** The first cause is the one that counts. */
  stop(cause: EndCause): void {
    if (this.cause !== null) return;
    this.cause = cause;
    this.#controller.abort();
  }

  /** Counts, for each case, the batches that will continue in its workspace. */
  expect(batches: readonly Batch[]): void {
    for (const batch of batches) {
      const parent = parentOf(batch);
      if (parent !== null) this.#heirs.set(parent, (this.#heirs.get(parent) ?? 0) + 1);
    }
  }

  record(entry: Case, outcome: Outcome): void {
    const cause = this.cause;
    const final: Outcome =
      outcome.reason === 'canceled' && cause !== null && this.#controller.signal.aborted
        ? { ...outcome, reason: cause === 'run-timeout' ? 'run-timeout' : 'canceled', detail: CAUSE_DETAIL[cause] }
        : outcome;
    if (final !== outcome) this.#cut = true;
    this.outcomes.set(entry.id, final);
    this.#options.emit({ type: 'case.end', outcome: final, selector: entry.selector });
    const verdict = verdictOf(final.reason);
    if (this.#options.failFast && (verdict === 'FAIL' || verdict === 'ERROR')) this.stop('fail-fast');
  }

  #place(name: PlaceName): Place {
    const known = this.#places.get(name) ?? this.#options.places(name);
    this.#places.set(name, known);
    return known;
  }

  /** Runs a batch once what it needs has ended. */
  async batch(batch: Batch): Promise<void> {
    const signal = this.#controller.signal;
    const reused = this.#options.reused ?? new Set<string>();
    const ready = batch.cases.filter((entry) => {
      const gate = signal.aborted
        ? { open: false as const, reason: 'canceled' as const, detail: '' }
        : gateOf(entry, this.outcomes, reused);
      if (!gate.open) this.record(entry, notStarted(entry, gate.reason, gate.detail));
      return gate.open;
    });
    if (ready.length > 0) {
      const release = await (batch.place === 'docker' ? this.#containerBatches : this.#batches).take(signal);
      try {
        if (release === null) for (const entry of ready) this.record(entry, notStarted(entry, 'canceled', ''));
        else await this.#start({ ...batch, cases: ready });
      } finally {
        release?.();
      }
    }
    const parent = parentOf(batch);
    if (parent !== null) await this.#letGo(parent);
  }

  async #start(batch: Batch): Promise<void> {
    const { emit, retryCount } = this.#options;
    const runner = this.#options.runners.get(batch.runner);
    const started = performance.now();
    emit({ type: 'batch.start', batch, command: runner?.preview(batch)[0] ?? [] });
    const outcomes = await withRetry(
      batch,
      { count: retryCount, signal: this.#controller.signal, emit },
      async (part, attempt) => this.#once(runner, part, attempt),
    );
    const byCase = new Map(outcomes.map((outcome) => [outcome.case, outcome]));
    for (const entry of batch.cases)
      this.record(entry, byCase.get(entry.id) ?? notStarted(entry, 'not-reported', 'its runner said nothing about it'));
    emit({ type: 'batch.end', batch, durationMs: performance.now() - started });
  }

  /** One try; once more without an observer when being observed changed what its programs did. */
  async #once(runner: Runner | undefined, batch: Batch, attempt: number): Promise<readonly Outcome[]> {
    const spoiled: string[] = [];
    const outcomes = await this.#attempt(runner, batch, attempt, (why) => spoiled.push(why));
    const [why] = spoiled;
    if (why === undefined || this.#controller.signal.aborted) return outcomes;
    for (const entry of batch.cases) this.#options.emit({ type: 'retry', case: entry.id, why, attempt });
    return this.#attempt(runner, batch, attempt, null);
  }

  /** In a workspace of its own. `spoil` is told why an observed program's run says nothing; null: nothing is observed. */
  async #attempt(
    runner: Runner | undefined,
    batch: Batch,
    attempt: number,
    spoil: ((why: string) => void) | null,
  ): Promise<readonly Outcome[]> {
    const { root, jobs, emit, env, cargoEnv, outputFolder } = this.#options;
    const signal = this.#controller.signal;
    const all = (reason: Outcome['reason'], detail: string): Outcome[] =>
      batch.cases.map((entry) => notStarted(entry, reason, detail, attempt));
    if (runner === undefined) return all(`unavailable:${batch.runner}`, `there is no runner ${batch.runner} here`);
    const first = batch.cases[0];
    const wantsDaemon = first?.privateDaemon === true;
    if (wantsDaemon && this.#options.privateDaemon === undefined)
      return all('unavailable:orchestrator', 'no private daemon can be started here');

    const parent = parentOf(batch);
    const inherit = parent === null ? undefined : this.#kept.get(parent)?.workspace;
    const opened = await this.#place(batch.place).open({
      environment: batch.environment,
      batch,
      signal,
      ...(inherit === undefined ? {} : { inherit }),
      ...(spoil === null ? { unobserved: true } : {}),
    });
    if (!opened.ok) return all(opened.reason, opened.message);
    const observed: Observed[] = [];
    const workspace = this.#limited(opened.workspace, spoil, observed);
    let keep = false;
    try {
      const availability = await runner.available(workspace, batch);
      if (!availability.available) return all(`unavailable:${availability.what}`, availability.detail);
      let daemon: PrivateDaemon | null = null;
      try {
        if (wantsDaemon && first !== undefined) daemon = (await this.#options.privateDaemon?.(first, signal)) ?? null;
      } catch (error) {
        return all('setup', error instanceof Error ? error.message : String(error));
      }
      await using guarded = daemon;
      const criteria = await criteriaFile(batch, workspace);
      const context: RunContext = {
        root,
        jobs,
        signal,
        emit,
        env: { ...env, ...criteria, ...guarded?.env },
        attempt,
        cargoEnv,
      };
      const outcomes = await runner.run(batch, workspace, context);
      const byCase = new Map(batch.cases.map((entry) => [entry.id, entry]));
      const whole: Outcome[] = [];
      for (const outcome of outcomes) {
        const entry = byCase.get(outcome.case);
        if (entry === undefined) continue;
        const complete = await withArtifacts(entry, outcome, workspace, outputFolder, emit);
        whole.push(observed.length === 0 ? complete : { ...complete, observed });
      }
      keep = this.#keep(batch, opened.workspace);
      return whole;
    } finally {
      if (!keep) await opened.workspace[Symbol.asyncDispose]();
    }
  }

  /** The workspace with its programs counted: never more than `jobs` at once, whatever runners do side by side. */
  #limited(workspace: Workspace, spoil: ((why: string) => void) | null, observed: Observed[]): Workspace {
    return {
      place: workspace.place,
      root: workspace.root,
      hostRoot: workspace.hostRoot,
      reports: workspace.reports,
      ...(workspace.inherited === undefined ? {} : { inherited: workspace.inherited }),
      find: async (program) => workspace.find(program),
      [Symbol.asyncDispose]: async () => workspace[Symbol.asyncDispose](),
      exec: async (invocation, signal) => {
        const release = await this.#programs.take(signal);
        try {
          const executed = await workspace.exec(invocation, signal);
          if (executed.spoiled !== undefined) spoil?.(executed.spoiled);
          if (executed.observed !== undefined)
            observed.push(withoutBelow(dirname(workspace.reports.host), executed.observed));
          return executed;
        } finally {
          release?.();
        }
      },
    };
  }

  #keep(batch: Batch, workspace: Workspace): boolean {
    const heirs = batch.cases.filter((entry) => (this.#heirs.get(entry.id) ?? 0) > 0);
    for (const entry of heirs) this.#kept.set(entry.id, { workspace, users: this.#heirs.get(entry.id) ?? 0 });
    return heirs.length > 0;
  }

  /** A batch that continued in a workspace has ended; the last one removes it. */
  async #letGo(parent: string): Promise<void> {
    const kept = this.#kept.get(parent);
    if (kept === undefined) return;
    kept.users -= 1;
    if (kept.users > 0) return;
    this.#kept.delete(parent);
    if (![...this.#kept.values()].some((other) => other.workspace === kept.workspace))
      await kept.workspace[Symbol.asyncDispose]();
  }

  async close(): Promise<void> {
    for (const workspace of new Set([...this.#kept.values()].map((kept) => kept.workspace)))
      await workspace[Symbol.asyncDispose]();
    for (const place of this.#places.values()) await place.close();
  }
}

/** Where the ids of all criteria of a batch stand, one a line, when they are too many for a variable. */
async function criteriaFile(batch: Batch, workspace: Workspace): Promise<Readonly<Record<string, string>>> {
  const criteria = criteriaOfCases(batch.cases);
  if (!needsCriteriaFile(criteria)) return {};
  const name = 'criteria.txt';
  // Programs in a container may have another user id.
  await writeFile(join(workspace.reports.host, name), `${criteria.join('\n')}\n`, { mode: 0o644 });
  return { [CRITERIA_FILE_VARIABLE]: `${workspace.reports.inside}/${name}` };
}

/** The case whose workspace a batch continues in: the first that it needs. */
function parentOf(batch: Batch): string | null {
  const first = batch.cases[0];
  return first?.inheritWorkspace === true ? (first.after[0] ?? null) : null;
}

/** All batches that a set of cases makes. Reads files of the project, executes nothing. */
async function batchesOf(
  cases: readonly Case[],
  options: Pick<ExecuteOptions, 'root' | 'runners'>,
): Promise<readonly Batch[]> {
  const batches: Batch[] = [];
  for (const group of groupsOf(cases)) {
    const first = group[0];
    if (first === undefined) continue;
    const name = runnerOf(first);
    const runner = options.runners.get(name);
    if (runner === undefined)
      batches.push({
        id: `none-${first.id}`,
        runner: name,
        place: first.place,
        environment: first.environment,
        directory: '',
        cases: group,
        configuration: {},
      });
    else batches.push(...(await runner.batches(options.root, group)));
  }
  return batches;
}

/**
 * Runs all cases to their end, or to the first cause that ends the run early: then the rest is ERROR(canceled), or
 * ERROR(run-timeout) when the run's own time limit was the cause. Settles after everything it started is gone.
 */
export async function execute(cases: readonly Case[], options: ExecuteOptions): Promise<Execution> {
  const run = new Run(options);
  const cyclic = inCycle(cases);
  for (const entry of cases)
    if (cyclic.has(entry.id))
      run.record(entry, notStarted(entry, 'setup', 'needs: it waits for itself, through the links that it needs'));
  const batches = await batchesOf(
    cases.filter((entry) => !cyclic.has(entry.id)),
    options,
  );
  run.expect(batches);

  const interrupt = (): void => run.stop('interrupted');
  if (options.signal.aborted) interrupt();
  options.signal.addEventListener('abort', interrupt, { once: true });
  const timer =
    options.runTimeoutMs === undefined
      ? null
      : setTimeout(() => run.stop('run-timeout'), Math.min(options.runTimeoutMs, 2_147_483_647));

  const batchOf = new Map(batches.flatMap((batch) => batch.cases.map((entry) => [entry.id, batch] as const)));
  const running = new Map<Batch, Promise<void>>();
  const start = async (batch: Batch): Promise<void> => {
    const known = running.get(batch);
    if (known !== undefined) return known;
    const needed = new Set(batch.cases.flatMap((entry) => entry.after.flatMap((id) => batchOf.get(id) ?? [])));
    needed.delete(batch);
    const work = (async () => {
      // A defect in one batch is thrown by that batch; those that wait for it find no outcome and do not start.
      await Promise.allSettled([...needed].map(start));
      await run.batch(batch);
    })();
    running.set(batch, work);
    return work;
  };
  try {
    const ends = await Promise.allSettled(batches.map(start));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  } finally {
    if (timer !== null) clearTimeout(timer);
    options.signal.removeEventListener('abort', interrupt);
    await run.close();
  }
  return { outcomes: run.outcomes, ...(run.ended === undefined ? {} : { ended: run.ended }) };
}

export interface Preview {
  readonly batch: Batch;
  /** Command lines; report files and folders appear as placeholders. */
  readonly commands: readonly (readonly string[])[];
}

/** What `execute` will run for these cases, for `--dry-run`. */
export async function previewOf(
  cases: readonly Case[],
  options: Pick<ExecuteOptions, 'root' | 'runners'>,
): Promise<readonly Preview[]> {
  const batches = await batchesOf(cases, options);
  return batches.map((batch) => ({ batch, commands: options.runners.get(batch.runner)?.preview(batch) ?? [] }));
}

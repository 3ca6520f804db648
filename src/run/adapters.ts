/**
 * The two adapter interfaces of this room: a Runner knows one test tool, a Place knows where programs run.
 * A new one is one file and one entry in `runners/index.ts` or `places/index.ts`.
 */
import type {
  Batch,
  Captured,
  Case,
  EventSink,
  Layer,
  Observed,
  Outcome,
  PlaceName,
  RunnerName,
} from '../model/index.js';
import type { ProcessEnd } from '../util/process.js';

/** A program to run in a workspace. */
export interface Invocation {
  readonly command: readonly string[];
  /** Relative to the workspace's root; '' is the root. */
  readonly directory: string;
  /** Added to the place's base environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number | null;
  readonly input?: string;
  /** Observe it also where the place does not observe all: the runner wants to know which programs ran. */
  readonly observe?: boolean;
  /** Names the capture files of this invocation, unique in its run; file-name safe. */
  readonly label: string;
}

export interface Executed {
  readonly end: ProcessEnd;
  readonly stdout: Captured;
  readonly stderr: Captured;
  readonly imageId: string | null;
  readonly layers: readonly Layer[];
  /** Set when the place itself failed (daemon gone, container vanished, out of memory): ERROR with this reason, never FAIL. */
  readonly trouble: { readonly reason: 'infra' | 'setup' | 'crash'; readonly message: string } | null;
  /** Environment as recorded: what this tool or the author set, masked. */
  readonly env: Readonly<Record<string, string>>;
  /** What the program rested on and which programs it started, where it was to be observed and the place can. */
  readonly observed?: Observed;
  /** One sentence when being observed changed what the program did: its run says nothing and is repeated unobserved. */
  readonly spoiled?: string;
}

/** Wraps a command so that what it rests on is written down into `folder` (src/observe); or says why that cannot be here. */
export type Observe = (
  command: readonly string[],
  folder: string,
) =>
  | {
      readonly ok: true;
      readonly command: readonly string[];
      /** Reads what was written, once the command has ended; gives the end as the program's own. */
      conclude(end: ProcessEnd): {
        readonly observed: Observed;
        readonly end: ProcessEnd;
        readonly spoiled: string | null;
      };
    }
  | { readonly ok: false; readonly why: string };

/** Where a batch's programs run: the tree under test, seen from inside (`root`) and from this process (`hostRoot`). */
export interface Workspace extends AsyncDisposable {
  readonly place: PlaceName;
  /** Absolute path of the project's root as programs in the workspace see it. */
  readonly root: string;
  /** The same folder as this process sees it. */
  readonly hostRoot: string;
  /** An empty folder outside the tree for reports: as programs see it, and as this process reads it. */
  readonly reports: { readonly inside: string; readonly host: string };
  /** Variables that programs here get anyway, for runners that must add to a list (`PYTHONPATH`); absent: not known. */
  readonly inherited?: Readonly<Record<string, string>>;
  exec(invocation: Invocation, signal: AbortSignal): Promise<Executed>;
  /** Where a program is, as seen from inside the workspace, or null. */
  find(program: string): Promise<string | null>;
}

export type Availability =
  | { readonly available: true; readonly version?: string }
  | { readonly available: false; readonly what: string; readonly detail: string };

export interface Place {
  readonly name: PlaceName;
  available(): Promise<Availability>;
  /** Opens a workspace for one batch. Rejects only for our own defects; trouble is in the result. */
  open(request: OpenRequest): Promise<
    | { readonly ok: true; readonly workspace: Workspace }
    | {
        readonly ok: false;
        readonly reason: 'infra' | 'setup' | 'canceled' | `unavailable:${string}`;
        readonly message: string;
        readonly exitCode: number | null;
      }
  >;
  /** Releases what the place holds for the whole run (leases, temporary images). Always called, awaited. */
  close(): Promise<void>;
}

export interface OpenRequest {
  readonly environment: string | null;
  readonly batch: Batch;
  readonly signal: AbortSignal;
  /** The workspace of a finished case to continue in (`workspace: inherit`). */
  readonly inherit?: Workspace;
  /** Not to be observed, whatever the place was asked for: being observed changed what its programs did. */
  readonly unobserved?: boolean;
}

/** What a runner may use while it works on a batch. */
export interface RunContext {
  /** Absolute path of the project's root on the host. */
  readonly root: string;
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
  /** Environment variables every case gets (COHERENCE_RUN_ID, …), before its own. */
  readonly env: Readonly<Record<string, string>>;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Cargo's target directory of a warm boot, when there is one (run/cargo). */
  readonly cargoEnv: readonly (readonly [string, string])[];
}

export interface Runner {
  readonly name: RunnerName;
  /** Whether its program can be used for the project, on this place; asked once a batch. */
  available(workspace: Workspace, batch: Batch): Promise<Availability>;
  /** Groups cases by configuration. Reads files of the project, executes nothing. */
  batches(root: string, cases: readonly Case[]): Promise<readonly Batch[]>;
  /** What `run` will execute, for `--dry-run`; report paths appear as placeholders. */
  preview(batch: Batch): readonly (readonly string[])[];
  /**
   * Runs the batch and reports on **every** case of it: what no report names is `not-reported` or `crash`, never left out.
   * `executed` only where this run's own report says that exactly this case ran and passed.
   */
  run(batch: Batch, workspace: Workspace, context: RunContext): Promise<readonly Outcome[]>;
}

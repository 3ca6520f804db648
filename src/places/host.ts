/**
 * The host itself as a place: programs run in the project's own tree, with the caller's environment minus secrets.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Executed, Invocation, Observe, OpenRequest, Place, Workspace } from '../run/adapters.js';
import { Capture } from '../run/decorators/capture.js';
import { inheritedEnv, maskedEnv, secretValues } from '../run/environment.js';
import type { EventSink } from '../model/index.js';
import { insideRoot } from '../util/files.js';
import { findProgram, run, type ProcessEnd } from '../util/process.js';

export interface HostOptions {
  /** Absolute path of the project's root. */
  readonly root: string;
  /** The caller's whole environment; what looks like a secret is left out of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Existing folder for captured output; the files stay when the place closes. */
  readonly outputFolder: string;
  readonly emit?: EventSink;
  /** Between TERM and KILL when a program is ended; default 2 000 ms. */
  readonly graceMs?: number;
  /** How programs are observed; absent: never. */
  readonly observer?: Observe;
  /** True: every program is, and `Executed.observed` says what it rested on; else those whose invocation asks for it. */
  readonly observe?: boolean;
}

/** Failures of a start that may be gone a moment later; all others are the project's or the machine's set-up. */
const TRANSIENT = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ETXTBSY']);

const trouble = (end: ProcessEnd): Executed['trouble'] =>
  end.spawnError === null
    ? null
    : {
        reason: TRANSIENT.has(end.spawnError.code) ? 'infra' : 'setup',
        message: `${end.spawnError.message} (${end.spawnError.code})`,
      };

async function execute(
  options: HostOptions,
  base: Readonly<Record<string, string>>,
  invocation: Invocation,
  signal: AbortSignal,
  batch: string,
  logs: string,
): Promise<Executed> {
  const secrets = secretValues(invocation.env);
  const emit = options.emit;
  const capture = (stream: 'stdout' | 'stderr'): Capture =>
    new Capture({
      file: join(options.outputFolder, `${invocation.label}.${stream}`),
      secrets,
      ...(emit === undefined ? {} : { onLine: (line: string) => emit({ type: 'output', batch, stream, line }) }),
    });
  const stdout = capture('stdout');
  const stderr = capture('stderr');
  const directory = invocation.directory === '' ? options.root : await insideRoot(options.root, invocation.directory);
  const startedAt = new Date();
  const wanted = options.observe === true || invocation.observe === true;
  const wrapped = wanted ? options.observer?.(invocation.command, logs) : undefined;
  const ownEnd: ProcessEnd =
    directory === null
      ? {
          pid: null,
          code: null,
          signal: null,
          spawnError: { code: 'ENOENT', message: `the folder ${invocation.directory} is not inside the project` },
          timedOut: false,
          canceled: false,
          startedAt,
          endedAt: startedAt,
          durationMs: 0,
        }
      : await run({
          command: wrapped?.ok === true ? wrapped.command : invocation.command,
          cwd: directory,
          env: { ...base, ...invocation.env },
          signal,
          graceMs: options.graceMs ?? 2000,
          ...(invocation.timeoutMs === null ? {} : { timeoutMs: invocation.timeoutMs }),
          ...(invocation.input === undefined ? {} : { input: invocation.input }),
          onStdout: (chunk) => stdout.write(chunk),
          onStderr: (chunk) => stderr.write(chunk),
        });
  const [out, err] = await Promise.all([stdout.close(), stderr.close()]);
  const told = wrapped?.ok === true ? wrapped.conclude(ownEnd) : null;
  const end = told?.end ?? ownEnd;
  const observed = told?.observed ?? (wrapped?.ok === false ? { ok: false as const, why: wrapped.why } : null);
  return {
    end,
    stdout: out,
    stderr: err,
    imageId: null,
    layers: [],
    trouble: trouble(end),
    env: maskedEnv(invocation.env),
    ...(observed === null ? {} : { observed }),
    ...(told === null || told.spoiled === null ? {} : { spoiled: told.spoiled }),
  };
}

/** The place `host`. Its workspaces are the project's tree itself: `workspace: inherit` has nothing to hand over. */
export function hostPlace(options: HostOptions): Place {
  const base = inheritedEnv(options.env);
  return {
    name: 'host',
    available: async () => ({ available: true }),
    open: async (request: OpenRequest) => {
      if (request.signal.aborted)
        return { ok: false, reason: 'canceled', message: 'canceled before it started', exitCode: null };
      let folder: string;
      try {
        // 0700 and unguessable: programs under test are not told where another batch's reports are.
        folder = realpathSync.native(mkdtempSync(join(tmpdir(), 'coherence-')));
        mkdirSync(join(folder, 'reports'), { mode: 0o700 });
      } catch (error) {
        return {
          ok: false,
          reason: 'infra',
          message: `no temporary folder could be made: ${error instanceof Error ? error.message : String(error)}`,
          exitCode: null,
        };
      }
      const reports = join(folder, 'reports');
      const { observer: _observer, ...plain } = options;
      const wanted = request.unobserved === true ? plain : options;
      const workspace: Workspace = {
        place: 'host',
        root: options.root,
        hostRoot: options.root,
        reports: { inside: reports, host: reports },
        inherited: base,
        exec: async (invocation, signal) => execute(wanted, base, invocation, signal, request.batch.id, folder),
        find: async (program) => findProgram(program, base['PATH']),
        [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
      };
      return { ok: true, workspace };
    },
    close: async () => undefined,
  };
}

/**
 * Warm boot: before a session's first cargo run its shared target directory is filled, so that later worktrees find
 * all dependencies compiled. It never rejects and never hangs, and what it comes to changes no verdict.
 *
 * `cargo check` compiles for checking only, `cargo test` compiles everything again: both stages are warmed.
 */
import { join } from 'node:path';
import type { EventSink, WarmReason, WarmReport } from '../../../model/index.js';
import { errorCode, exists } from '../../../util/files.js';
import { capture, findProgram } from '../../../util/process.js';
import { makeFolder } from '../folder.js';
import { waitForLock, guardLockFile } from '../lock-file.js';
import { purgeTree, topLevel, type RunCargo } from '../purge.js';
import { directoryLock } from '../target-session.js';
import { vendorArguments } from '../vendor.js';
import { contentsOf } from './artifacts.js';
import { crateRoots } from './crates.js';
import { cacheRoot, warmTargetDir } from './target-directory.js';

export const DEFAULT_WARM_TIMEOUT_MS = 60_000;
const VERSION_TIMEOUT_MS = 5_000;
const TAIL_BYTES = 4096;

export interface WarmOptions {
  /** Environment of cargo and of the cache's place. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Budget of the whole warm boot (`cargo.warm_timeout_ms`). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly emit?: EventSink;
  /** The program (`backends.cargo.bin`). */
  readonly program?: string;
}

type Stages = { check: 'ok' | 'failed' | 'skipped'; tests: 'ok' | 'failed' | 'skipped' };

interface Ending {
  readonly status: WarmReport['status'];
  readonly reason: WarmReason;
  readonly exitCode?: number | null;
  readonly stderr?: string;
}

/** The last bytes of a text, cut on a character boundary. */
export const tailOf = (text: string, bytes = TAIL_BYTES): string => {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  let start = whole.length - bytes;
  while (start < whole.length && ((whole[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return whole.subarray(start).toString('utf8');
};

/** What cargo's last words say about the machine; null when they are about the crate. */
export function reasonOfStderr(stderr: string): WarmReason | null {
  if (/No space left on device|os error 28|Disk quota exceeded|os error 122/u.test(stderr)) return 'disk-full';
  if (/Permission denied|os error 13|Read-only file system|os error 30|Operation not permitted/u.test(stderr))
    return 'permission-denied';
  return null;
}

function reasonOfMkdir(error: unknown): WarmReason {
  const code = errorCode(error);
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return 'permission-denied';
  return ['ENOSPC', 'EDQUOT'].includes(code) ? 'disk-full' : 'mkdir-failed';
}

/** Sessions that are being warmed, and those that were, by target directory. */
const running = new Map<string, Promise<WarmReport>>();
const done = new Map<string, WarmReport>();

async function stage(
  program: string,
  roots: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly deadline: number;
    readonly signal: AbortSignal | undefined;
    readonly args: readonly string[];
    readonly locked: ReadonlyMap<string, boolean>;
    readonly configured: ReadonlyMap<string, readonly string[]>;
  },
): Promise<Ending | null> {
  for (const folder of roots) {
    const left = options.deadline - Date.now();
    if (left <= 0) return { status: 'Unavailable', reason: 'timeout' };
    const command = [
      program,
      ...options.args,
      ...(options.locked.get(folder) === true ? ['--locked'] : []),
      ...(options.configured.get(folder) ?? []),
    ];
    const answer = await capture({
      command,
      cwd: folder,
      env: options.env,
      timeoutMs: left,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const { end, stderr } = answer;
    const failed = (reason: WarmReason): Ending => ({ status: 'Unavailable', reason, exitCode: end.code, stderr });
    if (end.canceled) return failed('cancelled');
    if (end.timedOut) return failed('timeout');
    if (end.spawnError !== null) return failed('spawn-failed');
    if (!answer.ok) return failed(reasonOfStderr(stderr) ?? 'check-failed');
  }
  return null;
}

async function warm(
  targetDir: string,
  repo: string,
  options: WarmOptions,
  stages: Stages,
): Promise<Ending & { readonly cargoVersion: string | null }> {
  const base = options.env ?? process.env;
  const deadline = Date.now() + (options.timeoutMs ?? DEFAULT_WARM_TIMEOUT_MS);
  const signal = options.signal;
  const program = await findProgram(options.program ?? 'cargo', base['PATH']);
  if (program === null) return { status: 'Unavailable', reason: 'cargo-absent', cargoVersion: null };
  const version = await capture({
    command: [program, '--version'],
    cwd: repo,
    env: base,
    timeoutMs: Math.min(VERSION_TIMEOUT_MS, Math.max(1, deadline - Date.now())),
    ...(signal === undefined ? {} : { signal }),
  });
  if (version.end.canceled) return { status: 'Unavailable', reason: 'cancelled', cargoVersion: null };
  if (!version.ok)
    return {
      status: 'Unavailable',
      reason: 'spawn-failed',
      exitCode: version.end.code,
      stderr: version.stderr || (version.end.spawnError?.message ?? ''),
      cargoVersion: null,
    };
  const cargoVersion = version.stdout.trim();
  const roots = await crateRoots(repo);
  if (roots.length === 0) return { status: 'Unavailable', reason: 'not-a-crate', cargoVersion };
  try {
    await makeFolder(targetDir);
  } catch (error) {
    return {
      status: 'Unavailable',
      reason: reasonOfMkdir(error),
      stderr: error instanceof Error ? error.message : '',
      cargoVersion,
    };
  }
  const lock = await waitForLock(directoryLock(targetDir), signal, Math.max(0, deadline - Date.now()));
  if (lock === null)
    return {
      status: 'Unavailable',
      reason: signal?.aborted === true ? 'cancelled' : Date.now() >= deadline ? 'timeout' : 'permission-denied',
      cargoVersion,
    };
  const env = { ...base, CARGO_TARGET_DIR: targetDir };
  const guards = [];
  try {
    const locked = new Map<string, boolean>();
    const configured = new Map<string, readonly string[]>();
    for (const folder of roots) {
      const guard = await guardLockFile(
        folder,
        join(cacheRoot(base), 'cargo'),
        AbortSignal.any([
          AbortSignal.timeout(Math.max(1, deadline - Date.now())),
          ...(signal === undefined ? [] : [signal]),
        ]),
      );
      guards.push(guard);
      locked.set(folder, guard.locked);
      const top = await topLevel(folder);
      const configuration = await vendorArguments(folder, top, targetDir);
      configured.set(folder, configuration);
      const run: RunCargo = async (args) =>
        capture({
          command: [program, ...args, ...configuration],
          cwd: folder,
          env,
          timeoutMs: Math.max(1, deadline - Date.now()),
          ...(signal === undefined ? {} : { signal }),
        });
      // Without this a broken tree would be "fresh" after a good one, and its check would say ok.
      await purgeTree({ run, top, locked: guard.locked });
    }
    const shared = { env, deadline, signal, locked, configured };
    const first = await stage(program, roots, { ...shared, args: ['check', '--workspace'] });
    stages.check = first === null ? 'ok' : 'failed';
    const second =
      first === null ? await stage(program, roots, { ...shared, args: ['test', '--no-run', '--workspace'] }) : null;
    if (first === null) stages.tests = second === null ? 'ok' : 'failed';
    if (first !== null) return { ...first, cargoVersion };
    // A canceled boot is not a warm one; every other trouble of the second stage is reported and no more.
    if (second?.reason === 'cancelled') return { ...second, cargoVersion };
    return {
      status: 'Warmed',
      reason: 'ok',
      exitCode: second?.exitCode ?? 0,
      stderr: second?.stderr ?? '',
      cargoVersion,
    };
  } finally {
    for (const guard of guards) await guard.restore();
    await lock.release();
  }
}

async function boot(sessionId: string, targetDir: string, repo: string, options: WarmOptions): Promise<WarmReport> {
  const started = process.hrtime.bigint();
  const startedMs = Date.now();
  const stages: Stages = { check: 'skipped', tests: 'skipped' };
  options.emit?.({ type: 'warm_boot.start', session_id: sessionId, target_dir: targetDir });
  const ending = await warm(targetDir, repo, options, stages).catch(
    (error: unknown): Ending & { cargoVersion: null } => ({
      // A full or read-only disk may strike in any file operation above; nothing else is expected to throw.
      status: 'Unavailable',
      reason: errorCode(error) === '' ? 'spawn-failed' : reasonOfMkdir(error),
      stderr: error instanceof Error ? error.message : String(error),
      cargoVersion: null,
    }),
  );
  const contents = await contentsOf(targetDir, startedMs - 20).catch(() => ({ artifacts: 0, populated: false }));
  const report: WarmReport = {
    status: ending.status,
    reason: ending.reason,
    targetDir,
    populated: contents.populated,
    depArtifacts: contents.artifacts,
    durationMs: Math.round(Number(process.hrtime.bigint() - started) / 1e6),
    exitCode: ending.exitCode ?? null,
    stderrTail: tailOf(ending.stderr ?? ''),
    cargoVersion: ending.cargoVersion,
    stages: { ...stages },
  };
  options.emit?.({
    type: 'warm_boot.done',
    fields: {
      session_id: sessionId,
      target_dir: targetDir,
      status: report.status,
      reason: report.reason,
      populated: report.populated,
      dep_artifacts: report.depArtifacts,
      duration_ms: report.durationMs,
      timeout_ms: options.timeoutMs ?? DEFAULT_WARM_TIMEOUT_MS,
      exit_code: report.exitCode,
      stderr_tail: report.stderrTail,
    },
  });
  return report;
}

export const skippedReport: WarmReport = {
  status: 'Skipped',
  reason: 'disabled',
  targetDir: null,
  populated: false,
  depArtifacts: 0,
  durationMs: 0,
  exitCode: null,
  stderrTail: '',
  cargoVersion: null,
  stages: { check: 'skipped', tests: 'skipped' },
};

/**
 * Warms the session's directory from the tree at `repo`, once a session and process: calls at the same time share one
 * boot, and after a successful one its report is given again while the directory exists. Never rejects.
 */
export async function warmBoot(
  sessionId: string,
  repo: string,
  enabled: boolean,
  options: WarmOptions = {},
): Promise<WarmReport> {
  if (!enabled) return skippedReport;
  const targetDir = warmTargetDir(sessionId, options.env ?? process.env);
  const before = done.get(targetDir);
  if (before !== undefined && (await exists(targetDir))) return before;
  const known = running.get(targetDir);
  if (known !== undefined) return known;
  const started = boot(sessionId, targetDir, repo, options).then((report) => {
    running.delete(targetDir);
    if (report.status === 'Warmed') done.set(targetDir, report);
    else done.delete(targetDir);
    return report;
  });
  running.set(targetDir, started);
  return started;
}

/** The report as run records show it. */
export const warmRecord = (report: WarmReport): Readonly<Record<string, unknown>> => ({
  status: report.status,
  reason: report.reason,
  target_dir: report.targetDir,
  populated: report.populated,
  dep_artifacts: report.depArtifacts,
  duration_ms: report.durationMs,
  exit_code: report.exitCode,
  stderr_tail: report.stderrTail,
  cargo_version: report.cargoVersion,
  stages: report.stages,
});

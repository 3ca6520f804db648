/**
 * `cargo test --no-run` for a set of packages. One invocation when all compile. Cargo stops at the first failure and
 * has no keep-going for tests, so packages that failed are left out and the others built again (what is compiled is fresh by then).
 */
import type { Executed, Workspace } from '../../run/adapters.js';
import type { Reason } from '../../model/index.js';
import { clip } from '../../util/text.js';
import { buildCommand, type BuildArguments } from './batches.js';
import { judgeEnding } from './judge.js';
import type { Package } from './metadata.js';
import { firstError, lastLines, runWhole } from './program.js';
import { describeError, readStream, type BuildStream, type CompilerError } from './stream.js';

export interface BuildFailure {
  readonly reason: Reason;
  readonly detail: string;
  readonly message: string;
  readonly exitCode: number | null;
  readonly command: readonly string[];
  /** The build that failed: its output, times and image are the evidence. */
  readonly executed: Executed;
}

export interface Build {
  /** Of all invocations, in their order. */
  readonly stream: BuildStream;
  /** By package id. */
  readonly failed: ReadonlyMap<string, BuildFailure>;
}

export interface BuildRequest {
  readonly workspace: Workspace;
  readonly cargo: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly packages: readonly Package[];
  readonly features: readonly string[];
  readonly locked: boolean;
  readonly targets: BuildArguments['targets'];
  readonly configuration: BuildArguments['configuration'];
  /** Gives a label that was not used before in this run. */
  readonly label: () => string;
  readonly signal: AbortSignal;
}

const merge = (left: BuildStream, right: BuildStream): BuildStream => ({
  artifacts: [...left.artifacts, ...right.artifacts],
  scripts: [...left.scripts, ...right.scripts],
  errors: [...left.errors, ...right.errors],
  success: right.success,
});

export const emptyStream: BuildStream = { artifacts: [], scripts: [], errors: [], success: null };

const renderErrors = (errors: readonly CompilerError[], stderr: string): string =>
  clip(errors.length === 0 ? lastLines(stderr, 30) : errors.map((error) => error.rendered.trim()).join('\n\n'), 20_000);

export async function buildPackages(request: BuildRequest): Promise<Build> {
  const failed = new Map<string, BuildFailure>();
  let stream = emptyStream;
  const rounds: (readonly Package[])[] = [request.packages];
  for (let packages = rounds.shift(); packages !== undefined; packages = rounds.shift()) {
    if (packages.length === 0) continue;
    const command = buildCommand({
      cargo: request.cargo,
      packages: packages.map((entry) => entry.name),
      features: request.features,
      locked: request.locked,
      targets: request.targets,
      configuration: request.configuration,
    });
    const finished = await runWhole(
      request.workspace,
      { command, directory: request.directory, env: request.env, timeoutMs: null, label: request.label() },
      request.signal,
    );
    const part = readStream(finished.stdout);
    stream = merge(stream, part);
    const { executed } = finished;
    const fail = (entry: Package, errors: readonly CompilerError[]): void => {
      const first = errors[0];
      failed.set(entry.id, {
        reason: 'build',
        detail: clip(first === undefined ? firstError(finished.stderr) : describeError(first), 400),
        message: renderErrors(errors, finished.stderr),
        exitCode: executed.end.code,
        command,
        executed,
      });
    };
    const ending = judgeEnding({ end: executed.end, trouble: executed.trouble, timeoutMs: 0 });
    if (ending !== null || executed.end.signal !== null) {
      const judged = ending ?? {
        reason: 'crash' as const,
        detail: `cargo was ended by signal ${executed.end.signal}`,
        message: '',
      };
      for (const entry of [...packages, ...rounds.flat()])
        failed.set(entry.id, { ...judged, exitCode: executed.end.code, command, executed });
      break;
    }
    if (finished.ok) {
      // Exit 0 without a word of success in the stream is no build that can be relied on.
      if (part.success !== true) for (const entry of packages) fail(entry, []);
      continue;
    }
    const broken = packages.filter((entry) => part.errors.some((error) => error.packageId === entry.id));
    if (broken.length > 0) {
      for (const entry of broken)
        fail(
          entry,
          part.errors.filter((error) => error.packageId === entry.id),
        );
      rounds.push(packages.filter((entry) => !broken.includes(entry)));
    } else if (packages.length === 1 && packages[0] !== undefined) fail(packages[0], part.errors);
    else rounds.push(...packages.map((entry) => [entry]));
  }
  return { stream, failed };
}

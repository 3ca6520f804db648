import { openProject, openWithDefaults, syncState, type Project } from '../../app/index.js';
import type { Result } from '../../model/index.js';
import { failureLine, reportFailures } from '../failures.js';
import type { CommandContext } from '../table/types.js';

/** Opens the project of the context, prints its notes once, and hands it on; a failure is printed and becomes the exit code. */
export async function withProject(
  context: CommandContext,
  work: (project: Project) => Promise<number>,
): Promise<number> {
  const project = await openProject({ cwd: context.cwd, env: context.env });
  if (!project.ok) return reportFailures(project.failures, context.streams);
  if (!context.quiet) for (const note of project.value.notes) context.streams.err(`note: ${note}\n`);
  return work(project.value);
}

/**
 * For commands that look at or end what runs already. They need the folders and no setting, so a mistake in the settings
 * is told as a warning and takes nobody's control away.
 */
export async function withFolders(
  context: CommandContext,
  work: (project: Project) => Promise<number>,
): Promise<number> {
  const place = { cwd: context.cwd, env: context.env };
  const settled = await openProject(place);
  if (settled.ok) return withProject(context, work);
  const project = await openWithDefaults(place);
  if (!project.ok) return reportFailures(settled.failures, context.streams);
  for (const item of settled.failures) context.streams.err(`${failureLine(item, 'warning')}\n`);
  return work(project.value);
}

/** Unwraps a result: failures are printed and become the exit code. */
export async function settle<T>(
  context: CommandContext,
  result: Result<T> | Promise<Result<T>>,
  work: (value: T) => Promise<number> | number,
): Promise<number> {
  const settled = await result;
  return settled.ok ? work(settled.value) : reportFailures(settled.failures, context.streams);
}

/** One JSON document on standard output. */
export function printJson(context: CommandContext, value: unknown): number {
  context.streams.out(`${JSON.stringify(value, null, 2)}\n`);
  return 0;
}

/**
 * `withProject` for a command that only reads specs/: it says when the store has something else. `isNow`: false where it shows a
 * moment of the past, to which neither matters.
 */
export async function withSpecs(
  context: CommandContext,
  work: (project: Project) => Promise<number>,
  isNow = true,
): Promise<number> {
  return withProject(context, async (project) => {
    if (isNow) await noteSync(project, context);
    return work(project);
  });
}

/** For commands that only read: one line when files and store differ. Opens no connection. */
export async function noteSync(project: Project, context: CommandContext): Promise<void> {
  if (context.quiet) return;
  const state = await syncState(project, context.env);
  if (state === 'pending')
    context.streams.err('note: sync pending: specs/ and the store differ; `coherence sync` reconciles them\n');
  if (state === 'conflicts')
    context.streams.err(
      'note: specs/ and the store conflict; `coherence sync` shows where, `--ours` or `--theirs` decides\n',
    );
}

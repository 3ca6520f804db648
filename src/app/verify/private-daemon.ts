/** `requires: [orchestrator]`: a check gets a daemon of its own, in a state folder of its own. */
import type { Project } from '../../config/index.js';
import type { ExecuteOptions } from '../../run/index.js';
import { findProgram } from '../../util/process.js';
import { startProgram, startPrivateDaemon } from '../daemon/daemon-control.js';

export async function isPrivateDaemonPossible(): Promise<{ readonly available: boolean; readonly detail: string }> {
  if ((await startProgram()) === null) return { available: false, detail: 'the daemon is not part of this build' };
  if ((await findProgram('flock')) === null)
    return { available: false, detail: 'the program flock (util-linux) is missing' };
  return { available: true, detail: '' };
}

export function privateDaemonFor(
  project: Project,
  env: Readonly<Record<string, string | undefined>>,
): NonNullable<ExecuteOptions['privateDaemon']> {
  return async () => {
    const started = await startPrivateDaemon(project.root, env);
    // The settings were read a moment ago: what fails now is the machine, which the check reports as trouble of its place.
    if (!started.ok) throw new Error(`the private daemon did not start: ${started.failures[0]?.message ?? ''}`);
    return started.value;
  };
}

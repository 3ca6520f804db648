/** `requires: [orchestrator]`: a check gets a daemon of its own, in a state folder of its own. */
import type { Project } from '../config/index.js';
import type { ExecuteOptions } from '../run/index.js';

export async function isPrivateDaemonPossible(): Promise<{ readonly available: boolean; readonly detail: string }> {
  return { available: false, detail: 'private daemons are not part of this build' };
}

export function privateDaemonFor(_project: Project, _env: Readonly<Record<string, string | undefined>>): NonNullable<ExecuteOptions['privateDaemon']> {
  return async () => {
    throw new Error('a case that needs a private daemon was not skipped');
  };
}

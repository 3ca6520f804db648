/** `sweep`: through the daemon where one runs, else under its lock. */
import type { Project } from '../../config/index.js';
import { endInstance, openInstances } from '../../journal/index.js';
import { success, type Result } from '../../model/index.js';
import type { SweepJson } from '../daemon/daemon-protocol.js';
import { instanceIsAlive, sweepWorktrees } from '../daemon/orchestrator.js';
import { throughDaemonOrJournal } from '../daemon/state-lock.js';

/** The report of a sweep, or of what one would do. */
export async function sweepProject(project: Project, dryRun: boolean): Promise<Result<SweepJson>> {
  return throughDaemonOrJournal(
    project,
    async (client) => {
      const answer = await client.ask('sweep', { dry_run: dryRun, repo: project.root }, { timeoutMs: 120_000 });
      return answer.ok ? success(answer.value.report) : answer;
    },
    async (journal) => {
      if (!dryRun)
        for (const other of openInstances(journal.database))
          if (!instanceIsAlive(journal, other.instance_id))
            endInstance(journal.database, journal.clock, other.instance_id, 'crashed');
      const { swept, json } = await sweepWorktrees({
        stateFolder: project.directories.state,
        journal,
        settings: project.settings,
        repos: [project.root],
        dryRun,
        self: null,
      });
      // Without a daemon nobody else would delete what was moved away.
      await swept.deletion;
      return success(json);
    },
  );
}

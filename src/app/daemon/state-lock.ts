/** Working on a state folder's journal from the command line, when no daemon does. */
import type { Project } from '../../config/index.js';
import { failureOf, openJournal, troubleOf, type Journal } from '../../journal/index.js';
import { failure, type Result } from '../../model/index.js';
import { takeLock } from '../../util/lock.js';
import { connectDaemon, lockPath, type DaemonClient } from './daemon-client.js';
import { prepareFolders } from './orchestrator.js';

/** Another `queue add` holds the lock for milliseconds; a daemon that is booting answers soon. */
const PATIENCE_MS = 5000;
const ROUND_MS = 250;

/**
 * Asks the daemon where one runs; else opens the journal under the state folder's lock and works on it directly.
 * While a daemon boots, neither is possible yet: that is waited for.
 */
export async function throughDaemonOrJournal<T>(
  project: Project,
  asked: (client: DaemonClient) => Promise<Result<T>>,
  direct: (journal: Journal) => Promise<Result<T>> | Result<T>,
): Promise<Result<T>> {
  const folders = await prepareFolders(project, true);
  if (!folders.ok) return folders;
  const stateFolder = project.directories.state;
  for (let waited = 0; ; waited += ROUND_MS) {
    using client = await connectDaemon(project.directories);
    if (client !== null) return await asked(client);
    const taken = await takeLock(lockPath(stateFolder), ROUND_MS).catch((error: unknown) => ({
      taken: false as const,
      why: String(error),
    }));
    if (taken.taken) {
      await using _lock = taken.lock;
      return await onJournal(stateFolder, direct);
    }
    if (taken.why !== 'busy' && taken.why !== 'unsupported')
      return failure({
        kind: 'damaged-state',
        message: `The lock ${lockPath(stateFolder)} cannot be taken (${taken.why}).`,
        file: stateFolder,
      });
    if (waited >= PATIENCE_MS)
      return failure({
        kind: 'try-again',
        message: 'A daemon holds the state folder and does not answer.',
        hint: '`coherence daemon status` says more.',
      });
  }
}

/** Opens the journal; trouble of the disk or the file becomes a failure. */
export async function onJournal<T>(
  stateFolder: string,
  work: (journal: Journal) => Promise<Result<T>> | Result<T>,
): Promise<Result<T>> {
  const opened = await openJournal(stateFolder);
  if (!opened.ok) return opened;
  using journal = opened.value;
  try {
    return await work(journal);
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === null) throw error;
    return failure(failureOf(trouble, journal.path));
  }
}

/** For every command that reads specs: completes a change of several files whose command was killed. */
import type { Project } from '../../config/index.js';
import { success, type Result } from '../../model/index.js';
import { hasUnfinishedChange, recoverFiles } from '../analysis/spec-files.js';
import { withCatalogLock } from '../store/store-place.js';

/**
 * One look at one path when there is nothing to do. Otherwise under the catalog lock, so that a command which is applying
 * its change at this moment is waited for, and an old change is never applied over a newer one.
 */
export async function recoverCatalog(project: Project): Promise<Result<null>> {
  return (await hasUnfinishedChange(project))
    ? withCatalogLock(project, async () => recoverFiles(project))
    : success(null);
}

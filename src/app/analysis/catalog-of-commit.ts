/** The catalog that a git commit holds, read from git's objects. */
import { readCatalog, SPECS_FOLDER } from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import { success, type Catalog, type Result } from '../../model/index.js';
import { listAtCommit, readBlobs } from '../../sources/index.js';

/** Failures: no such commit, and every invalid spec file of it. What is no regular `.yaml` file below `specs/` is not read. */
export async function catalogOfCommit(project: Project, commit: string): Promise<Result<Catalog>> {
  const listed = await listAtCommit(project.root, commit);
  if (!listed.ok) return listed;
  const files = listed.value.filter(
    (file) => file.path.startsWith(`${SPECS_FOLDER}/`) && file.path.endsWith('.yaml') && file.mode.startsWith('100'),
  );
  const blobs = await readBlobs(
    project.root,
    files.map((file) => file.blob),
  );
  const read = readCatalog(
    files.flatMap((file) => {
      const content = blobs.get(file.blob);
      return content === undefined ? [] : [{ file: file.path, content }];
    }),
  );
  return read.failures.length > 0 ? { ok: false, failures: read.failures } : success(read.catalog);
}

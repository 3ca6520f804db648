/**
 * A commit's tree as plain files in a temporary folder, for static analysis of another commit. Bytes come straight from
 * git's objects: no checkout, so no hook and no filter of the repository runs.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatSpec, SPECS_FOLDER, specFileName } from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import { failure, type Catalog, type Result } from '../../model/index.js';
import { listAtCommit, readBlobs, resolveCommit, type CommittedFile } from '../../sources/index.js';
import { unsafePathReason } from '../../util/files.js';

const CHUNK = 500;

/**
 * Runs `work` on the project in an empty folder that goes away, with its caches beside it: entries of a root that never comes
 * back would stay for ever.
 */
async function inPassing<T>(project: Project, work: (there: Project) => Promise<T>): Promise<T> {
  const temporary = await mkdtemp(join(tmpdir(), 'coherence-at-'));
  const root = join(temporary, 'tree');
  try {
    await mkdir(root);
    return await work({ ...project, root, directories: { ...project.directories, cache: join(temporary, 'cache') } });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Runs `work` on the project as it was at `ref`; the folder is gone afterwards. `unknown-id` when git does not know the ref.
 * With `specs`, the spec files are those instead of the commit's own.
 */
export async function atCommit<T>(
  project: Project,
  ref: string,
  work: (project: Project, commit: string) => Promise<Result<T>>,
  specs: Catalog | null = null,
): Promise<Result<T>> {
  const commit = await resolveCommit(project.root, ref);
  if (commit === null)
    return failure({
      kind: 'unknown-id',
      message: `git knows no commit "${ref}" here.`,
      hint: 'Name a branch, a tag or a commit id.',
    });
  const listed = await listAtCommit(project.root, commit);
  if (!listed.ok) return listed;
  return inPassing(project, async (there) => {
    const files = listed.value.filter(
      (file) =>
        unsafePathReason(file.path) === null &&
        file.mode !== '160000' &&
        (specs === null || !file.path.startsWith(`${SPECS_FOLDER}/`)),
    );
    for (let i = 0; i < files.length; i += CHUNK) await writeCommitted(project, files.slice(i, i + CHUNK), there.root);
    if (specs !== null) await writeSpecs(there.root, specs);
    return work(there, commit);
  });
}

async function writeCommitted(project: Project, files: readonly CommittedFile[], root: string): Promise<void> {
  const blobs = await readBlobs(
    project.root,
    files.map((file) => file.blob),
  );
  for (const file of files) {
    const bytes = blobs.get(file.blob);
    if (bytes === undefined) continue;
    const path = join(root, file.path);
    await mkdir(dirname(path), { recursive: true });
    if (file.mode === '120000') await symlink(bytes.toString('utf8'), path).catch(() => undefined);
    else await writeFile(path, bytes, { mode: file.mode === '100755' ? 0o755 : 0o644, flag: 'wx' });
  }
}

/** Runs `work` on a project that has these specs and no other file. */
export async function withoutCode<T>(
  project: Project,
  specs: Catalog,
  work: (project: Project) => Promise<Result<T>>,
): Promise<Result<T>> {
  return inPassing(project, async (there) => {
    await writeSpecs(there.root, specs);
    return work(there);
  });
}

/** Numbered, since two ids may differ only in what a file name cannot show. */
async function writeSpecs(root: string, catalog: Catalog): Promise<void> {
  for (const [number, spec] of catalog.specs.entries()) {
    const folder = join(root, SPECS_FOLDER, String(number));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, specFileName(spec.id)), formatSpec(spec));
  }
}

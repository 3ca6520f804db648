/**
 * A commit's tree as plain files in a temporary folder, for static analysis of another commit. Bytes come straight from
 * git's objects: no checkout, so no hook and no filter of the repository runs.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatSpec, SPECS_FOLDER, specFileName } from '../catalog/index.js';
import type { Project } from '../config/index.js';
import { failure, type Catalog, type Result } from '../model/index.js';
import { listAtCommit, readBlobs, resolveCommit } from '../sources/index.js';
import { unsafePathReason } from '../util/files.js';

const CHUNK = 500;

/** The project in a folder that goes away, with its caches beside it: entries of a root that never comes back would stay for ever. */
const passing = (project: Project, temporary: string): Project =>
  ({ ...project, root: join(temporary, 'tree'), directories: { ...project.directories, cache: join(temporary, 'cache') } });

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
  if (commit === null) return failure({ kind: 'unknown-id', message: `git knows no commit "${ref}" here.`, hint: 'Name a branch, a tag or a commit id.' });
  const listed = await listAtCommit(project.root, commit);
  if (!listed.ok) return listed;
  const temporary = await mkdtemp(join(tmpdir(), 'coherence-at-'));
  const { root: folder } = passing(project, temporary);
  try {
    await mkdir(folder);
    const files = listed.value.filter((file) => unsafePathReason(file.path) === null && file.mode !== '160000' && (specs === null || !file.path.startsWith(`${SPECS_FOLDER}/`)));
    for (let i = 0; i < files.length; i += CHUNK) {
      const part = files.slice(i, i + CHUNK);
      const blobs = await readBlobs(project.root, part.map((file) => file.blob));
      for (const file of part) {
        const bytes = blobs.get(file.blob);
        if (bytes === undefined) continue;
        const path = join(folder, file.path);
        await mkdir(dirname(path), { recursive: true });
        if (file.mode === '120000') await symlink(bytes.toString('utf8'), path).catch(() => undefined);
        else await writeFile(path, bytes, { mode: file.mode === '100755' ? 0o755 : 0o644, flag: 'wx' });
      }
    }
    if (specs !== null) await writeSpecs(folder, specs);
    return await work(passing(project, temporary), commit);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Runs `work` on a project that has these specs and no other file. */
export async function withoutCode<T>(project: Project, specs: Catalog, work: (project: Project) => Promise<Result<T>>): Promise<Result<T>> {
  const temporary = await mkdtemp(join(tmpdir(), 'coherence-at-'));
  try {
    const there = passing(project, temporary);
    await mkdir(there.root);
    await writeSpecs(there.root, specs);
    return await work(there);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Numbered, since two ids may differ only in what a file name cannot show. */
async function writeSpecs(root: string, catalog: Catalog): Promise<void> {
  for (const [number, spec] of catalog.specs.entries()) {
    const folder = join(root, SPECS_FOLDER, String(number));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, specFileName(spec.id)), formatSpec(spec));
  }
}

/** Python environments for tests: one a version of pytest, made once from the package registry and kept for later runs. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../src/util/process.js';
import { ROOT } from '../rig/project.js';

const FOLDER = join(ROOT, 'node_modules', '.cache', 'python-environments');

/** An environment's folder; null where none can be made here (no Python, no registry). */
export async function pythonEnvironment(name: string, packages: readonly string[]): Promise<string | null> {
  const folder = join(FOLDER, name);
  if (existsSync(join(folder, 'bin', 'python'))) return folder;
  await mkdir(FOLDER, { recursive: true });
  const draft = `${folder}.${process.pid}`;
  const run = async (...command: string[]): Promise<boolean> =>
    (await capture({ command, cwd: FOLDER, env: process.env })).ok;
  const made =
    (await run('python3', '-m', 'venv', draft)) &&
    (await run(join(draft, 'bin', 'python'), '-m', 'pip', 'install', '-q', ...packages));
  // Only its python is called, so it may be moved; whoever comes second takes what is there.
  if (made) await rename(draft, folder).catch(() => undefined);
  await rm(draft, { recursive: true, force: true });
  return existsSync(join(folder, 'bin', 'python')) ? folder : null;
}

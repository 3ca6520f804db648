/** Hook frameworks and tools with formats of their own, as their users have them, installed once into a cache outside the tree. */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture } from '../../src/util/process.js';

const INSTALLS = {
  npm: ['npm', 'install', '--no-audit', '--no-fund', '--prefix', '.', 'husky@9.1.7', 'lefthook@2.1.0'],
  openspec: ['npm', 'install', '--no-audit', '--no-fund', '--prefix', '.', '@fission-ai/openspec@1.13.2'],
  pip: ['sh', '-c', 'python3 -m venv pip && pip/bin/pip install -q pre-commit==4.5.0'],
} as const;

/** The folder that holds the tools, or why they are not here (no registry within reach). With CI=true that is an error. */
export async function hookTools(
  kind: keyof typeof INSTALLS,
): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const ready = join(tmpdir(), 'coherence-test-tools', `hooks-${kind}-1`);
  if (await isThere(ready)) return { folder: ready };
  // A virtual environment knows its own path, so it is made in its place and marked when it is whole.
  const building = kind === 'pip' ? ready : `${ready}.${process.pid}`;
  await mkdir(building, { recursive: true });
  const done = await capture({ command: INSTALLS[kind], cwd: building, timeoutMs: 240_000 });
  if (!done.ok) {
    await rm(building, { recursive: true, force: true });
    const missing = `${INSTALLS[kind].join(' ')}: ${done.stderr.trim().split('\n').at(-1) ?? 'no answer'}`;
    if (process.env['CI'] === 'true') throw new Error(missing);
    return { missing };
  }
  if (building !== ready)
    await rename(building, ready).catch(async () => rm(building, { recursive: true, force: true }));
  await mkdir(join(ready, 'whole'), { recursive: true });
  return { folder: ready };
}

const isThere = async (folder: string): Promise<boolean> =>
  stat(join(folder, 'whole')).then(
    () => true,
    () => false,
  );

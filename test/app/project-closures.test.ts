import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { analyse } from '../../src/app/analysis/analyse.js';
import { changedCriteria } from '../../src/app/reuse/changed.js';
import { closuresOf } from '../../src/app/reuse/project-closures.js';
import { loadProject } from '../../src/config/index.js';
import type { Result } from '../../src/model/index.js';
import { capture } from '../../src/util/process.js';
import { specFile } from '../rig/spec-file.js';

const made: string[] = [];
afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
});

const get = <T>(result: Result<T>): T => {
  if (result.ok) return result.value;
  throw new Error(result.failures.map((item) => item.message).join('\n'));
};

/** A committed project with one tagged test that imports one module. */
async function project() {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'coh-closures-')));
  made.push(folder);
  const root = join(folder, 'repo');
  const files = {
    '.coherence/project.toml': 'project_slug = "shop"\nproject_hash = "abc123"\ndolt_db_name = "shop_abc123"\n',
    'specs/a.yaml': specFile('SPEC-a', { 'AC-a': '' }),
    'package.json': '{"type":"module","devDependencies":{"vitest":"4"}}',
    'lib.ts': 'export const a = 1;\n',
    'a.test.ts': `import { expect, it } from 'vitest';\nimport { a } from './lib.js';\n// ${'@'}verifies AC-a\nit('a', () => { expect(a).toBe(1); });\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const env = {
    ...process.env,
    COHERENCE_STATE_DIR: join(folder, 'state'),
    COHERENCE_CACHE_DIR: join(folder, 'cache'),
    XDG_CONFIG_HOME: folder,
  };
  for (const args of [
    ['init', '-q'],
    ['add', '.'],
    ['-c', 'user.name=a', '-c', 'user.email=a@x', 'commit', '-q', '-m', 'x'],
  ])
    await capture({ command: ['git', ...args], cwd: root, env });
  return { root, folder, env, project: get(await loadProject({ cwd: root, env })) };
}

it('the closures of an analysis are made once; those of the next analysis are its own', async () => {
  const { project: there, env } = await project();
  const first = get(await analyse(there));
  expect(await closuresOf(there, first, env)).toBe(await closuresOf(there, first, env));
  expect(await closuresOf(there, first, { ...env })).not.toBe(await closuresOf(there, first, env));
  expect(await closuresOf(there, get(await analyse(there)), env)).not.toBe(await closuresOf(there, first, env));
});

// @verifies AC-gate-changed-sound
it('selecting by change keeps what it found out about files, and still selects a spec file that git does not know', async () => {
  const { project: there, env, folder, root } = await project();
  const select = async (): Promise<[string, string][]> => [
    ...get(await changedCriteria(there, get(await analyse(there)), 'HEAD', { cached: true, env })),
  ];
  expect(await select()).toEqual([]);
  const [kept = ''] = await readdir(join(folder, 'cache', 'facts'));
  expect(await readFile(join(folder, 'cache', 'facts', kept, 'facts.json'), 'utf8')).toContain('.ts:');
  await writeFile(join(root, '.git', 'info', 'exclude'), 'specs/local.yaml\n');
  await writeFile(join(root, 'specs', 'local.yaml'), specFile('SPEC-local', { 'AC-local': '' }));
  expect(await select()).toContainEqual(['AC-local', 'the criterion is new']);
});

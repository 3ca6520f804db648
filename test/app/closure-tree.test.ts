import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { closureTree } from '../../src/app/reuse/closure-tree.js';
import { cargoClosure, pytestClosure, typescriptClosure, type ClosureTree } from '../../src/closure/index.js';
import { openFactsCache } from '../../src/scan/index.js';
import { listFiles } from '../../src/sources/index.js';
import { capture } from '../../src/util/process.js';

const made: string[] = [];
afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function tree(
  files: Readonly<Record<string, string>>,
  gone: readonly string[] = [],
  pipes: readonly string[] = [],
): Promise<ClosureTree> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'coh-closure-')));
  made.push(root);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await capture({ command: ['git', 'init', '-q'], cwd: root, env: process.env });
  for (const path of pipes) await capture({ command: ['mkfifo', join(root, path)], cwd: root, env: process.env });
  return closureTree(root, await listFiles(root), await openFactsCache(null), gone);
}

describe('the closure of a test', () => {
  // @verifies AC-gate-changed-sound
  it('holds what it reached before that was deleted', async () => {
    const python = {
      'tests/test_a.py': 'def test_a():\n    from pkg.free import FREE\n    assert FREE\n',
      'pkg/__init__.py': '',
    };
    expect([...(await pytestClosure(await tree(python), 'tests/test_a.py', [])).files.keys()]).not.toContain(
      'pkg/free.py',
    );
    expect([
      ...(await pytestClosure(await tree(python, ['pkg/free.py']), 'tests/test_a.py', [])).files.keys(),
    ]).toContain('pkg/free.py');

    const script = { 'package.json': '{}', 'a.test.ts': "import './lib/x.js';\n", 'lib/y.ts': '' };
    const closure = await typescriptClosure(await tree(script, ['lib/x.ts', 'vitest.config.ts']), 'a.test.ts', []);
    expect([...closure.files.keys()]).toEqual(expect.arrayContaining(['lib/x.ts', 'vitest.config.ts']));

    const crate = { 'Cargo.toml': '[package]\nname = "m"\n', 'tests/a.rs': '' };
    expect([...(await cargoClosure(await tree(crate, ['src/deep.rs']), 'tests/a.rs', [])).files.keys()]).toContain(
      'src/deep.rs',
    );
  });

  // @verifies AC-gate-cache-sound
  it('of pytest holds ignored modules and native ones: a build made them', async () => {
    const python = {
      '.gitignore': '_version.py\n*.so\n',
      'pkg/__init__.py': 'from ._version import version\n',
      'pkg/_version.py': 'version = 1\n',
      'pkg/fast.cpython-311-x86_64-linux-gnu.so': 'binary',
      'tests/test_a.py': 'import pkg\n\n\ndef test_a():\n    assert pkg.version == 1\n',
      'other.py': 'x = 1\n',
    };
    const closure = await pytestClosure(await tree(python), 'tests/test_a.py', []);
    expect([...closure.files.keys()]).toEqual(
      expect.arrayContaining(['pkg/_version.py', 'pkg/fast.cpython-311-x86_64-linux-gnu.so']),
    );
    expect(closure.files.has('other.py')).toBe(false);
  });

  // @verifies AC-reuse-bounded-looks
  it.each([
    ['that git ignores', { '.gitignore': 'tools/\n' }, 'tools/py3/pyvenv.cfg'],
    ['that git is not told to ignore', {}, 'tools/py3/pyvenv.cfg'],
    ['of conda', { '.gitignore': 'tools/\n' }, 'tools/py3/conda-meta/history'],
    ['at the very root', { '.gitignore': 'lib/\npyvenv.cfg\n' }, 'pyvenv.cfg'],
  ])('of pytest follows nothing into an environment %s', async (_where, files, mark) => {
    const lib = `${mark.startsWith('tools') ? 'tools/py3/' : ''}lib/python3.11/site-packages`;
    const installed = Array.from({ length: 300 }, (_, n) => [
      `${lib}/pytest/m${n}.py`,
      `import pytest.m${n + 1}, os\n`,
    ]);
    const view = await tree({
      ...files,
      [mark]: '',
      [`${lib}/pytest/__init__.py`]: 'import pytest.m0\n',
      ...Object.fromEntries(installed),
      'tests/test_a.py': 'import pytest\n\n\ndef test_a():\n    assert pytest\n',
    });
    const closure = await pytestClosure(view, 'tests/test_a.py', []);
    expect([...closure.files.keys()]).toEqual(['tests/test_a.py']);
    expect(await view.environments()).toEqual([mark.startsWith('tools') ? 'tools/py3' : '']);
  });

  // @verifies AC-reuse-bounded-looks
  it('of pytest says where it stops in a heap of generated modules, and lets others have a turn meanwhile', async () => {
    const heap = Array.from({ length: 2100 }, (_, n) => [`heap/m${n}.py`, `import heap.m${n + 1}\n`] as const);
    const view = await tree({
      '.gitignore': 'heap/\n',
      ...Object.fromEntries(heap),
      'tests/test_a.py': 'import heap.m0\n\n\ndef test_a():\n    assert True\n',
    });
    let turns = 0;
    const counter = setInterval(() => (turns += 1), 0);
    const closure = await pytestClosure(view, 'tests/test_a.py', []);
    clearInterval(counter);
    expect(closure.outside).toBe('tests/test_a.py may reach more than 2000 files that git does not list');
    expect(turns).toBeGreaterThan(0);
  });

  // @verifies AC-gate-cache-sound
  it('of pytest holds a package of the project called as build output is', async () => {
    const closure = await pytestClosure(
      await tree({
        'target/deep/x.py': 'X = 1\n',
        'tests/test_a.py': 'import os\n\n\ndef test_a():\n    assert open("target/deep/x.py")\n',
      }),
      'tests/test_a.py',
      [],
    );
    expect([...closure.files.keys()]).toContain('target/deep/x.py');
  });

  it('does not wait for a pipe that lies in a folder which counts as a whole', async () => {
    const made = await tree(
      {
        '.gitignore': 'queue.ts\n',
        'package.json': '{}',
        'a.test.ts': 'const name = process.env.X;\nawait import(name);\n',
      },
      [],
      ['queue.ts'],
    );
    const closure = await typescriptClosure(made, 'a.test.ts', []);
    expect([...closure.files.keys()].sort()).toEqual(['.gitignore', 'a.test.ts', 'package.json']);
  });

  // @verifies AC-gate-cache-sound
  it('follows what is run although it was read before: its imports elsewhere, and what makes it no function of the tree', async () => {
    const files = {
      'a/package.json': '{}',
      'b/package.json': '{}',
      'a/lib/clock.ts': 'export const now = () => Date.now();\n',
      'b/x.ts': 'export const x = 1;\n',
      'a/test/clock.test.ts':
        "import { readFileSync } from 'node:fs';\nimport { now } from '../lib/clock.js';\nnow(readFileSync);\n",
      'a/lib/far.ts': "export { x } from '../../b/x.js';\n",
      'a/test/far.test.ts':
        "import { readFileSync } from 'node:fs';\nimport { x } from '../lib/far.js';\nvoid [x, readFileSync];\n",
      'a/test/computed.test.ts': 'const name = process.env.X;\nawait import(name);\n',
    };
    const view = await tree(files);
    expect((await typescriptClosure(view, 'a/test/clock.test.ts', [])).outside).toContain('a/lib/clock.ts');
    expect((await typescriptClosure(view, 'a/test/far.test.ts', [])).files.has('b/x.ts')).toBe(true);
    expect((await typescriptClosure(view, 'a/test/computed.test.ts', [])).files.has('b/x.ts')).toBe(true);
  });

  // @verifies AC-gate-cache-sound
  it('of TypeScript holds the configurations that a tsconfig builds on, and the aliases in them', async () => {
    const view = await tree({
      'package.json': '{}',
      'tsconfig.json': '{ "extends": "./config/base" /* shared */, }\n',
      'config/base.json':
        '{ "extends": ["./strict.json"], "compilerOptions": { "paths": { "@lib/*": ["../lib/*"] } } }\n',
      'config/strict.json': '{ "compilerOptions": { "target": "es2022" } }\n',
      'lib/x.ts': '',
      'a.test.ts': "import '@lib/x';\n",
    });
    const closure = await typescriptClosure(view, 'a.test.ts', []);
    expect([...closure.files.keys()]).toEqual(
      expect.arrayContaining(['config/base.json', 'config/strict.json', 'lib/x.ts']),
    );
    expect(closure.outside).toBeNull();
    expect(
      (
        await typescriptClosure(
          await tree({ 'package.json': '{}', 'tsconfig.json': '{ "extends": "../outside.json" }', 'a.test.ts': '' }),
          'a.test.ts',
          [],
        )
      ).outside,
    ).toContain('leads out');
  });

  // @verifies AC-gate-cache-sound
  it.each([
    ['a patched name', {}, 'from unittest.mock import patch\n\n\n@patch("pkg.deep.TWO", 3)\ndef test_a(): pass\n'],
    ['pytest_plugins', { 'conftest.py': 'pytest_plugins = ["pkg.deep"]\n' }, ''],
    ['a plugin among the options', { 'pytest.ini': '[pytest]\naddopts = -q -p pkg.deep\n' }, ''],
    ['an entry point', { 'pyproject.toml': '[project.entry-points.pytest11]\nmine = "pkg.deep"\n' }, ''],
  ])('of pytest holds what %s names', async (_name, files, text) => {
    const closure = await pytestClosure(
      await tree({
        'pkg/__init__.py': '',
        'pkg/deep.py': 'TWO = 2\n',
        'tests/test_a.py': `${text}\n\ndef test_b():\n    assert True\n`,
        ...files,
      }),
      'tests/test_a.py',
      [],
    );
    expect([...closure.files.keys()]).toContain('pkg/deep.py');
  });
});

/** The corpus of mistakes for pytest, on each of its major versions. */
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { definitions } from './pytest-definition-rows.js';
import { settings } from './pytest-option-rows.js';
import { leftOut, outcomes } from './pytest-outcome-rows.js';
import { pythonEnvironment } from './python-rig.js';
import { verdicts } from '../rig/project.js';
import { judge, mistakesProject, wrongRows, type Mistake } from './rig.js';

const VERSIONS = await Promise.all(
  [7, 8, 9].map(async (version) => ({
    version,
    folder: await pythonEnvironment(`pytest-${version}`, [
      `pytest==${version}.*`,
      'pytest-xdist',
      'pytest-rerunfailures',
    ]),
  })),
);
const present = VERSIONS.every(({ folder }) => folder !== null);
const rows = [...definitions, ...leftOut, ...outcomes, ...settings];

describe.skipIf(!present && process.env['CI'] !== 'true')('mistakes in pytest', () => {
  // @verifies AC-runners-pytest-definition, AC-runners-pytest-body, AC-runners-pytest-left-out, AC-runners-pytest-options
  it.each(VERSIONS)('are judged rightly by pytest $version', async ({ folder }) => {
    await using project = await mistakesProject(rows, {
      'tests/x47c/conftest.py': 'collect_ignore = ["old"]\n',
      '.gitignore': '.venv\n',
    });
    const judged = await judge(project, [], {
      env: { COHERENCE_BACKENDS__PYTHON__BIN: join(folder ?? '', 'bin', 'python') },
    });
    expect(wrongRows(rows, judged)).toEqual([]);
    expect(await readdir(join(project.root, 'tests', 'o33'))).toEqual(['pytest.ini', 'test_o33.py']);
  });

  // @verifies AC-runners-python-interpreter
  it('takes no other Python for one that is configured, broken or without pytest', async () => {
    const folder = VERSIONS[2]?.folder ?? '';
    const test = (id: string): string => `# @verifies AC-${id}\ndef test_a():\n    assert True\n`;
    const rows: Mistake[] = [
      ['i1', 'an environment whose link leads nowhere', 'SKIP(unavailable:python)'],
      ['i2', 'what is left of an environment', 'SKIP(unavailable:python)'],
      ['i3', 'an environment without pytest', 'SKIP(unavailable:pytest)'],
      ['i4', 'a shim that fails', 'SKIP(unavailable:python)'],
      ['i5', 'an environment of another name', 'PASS(executed)'],
      ['i6', 'no environment', 'PASS(executed)'],
    ].map(([id = '', tried = '', wanted = '']) => ({
      id,
      tried,
      wanted,
      files: { [`${id}/pytest.ini`]: '[pytest]\n', [`${id}/test_${id}.py`]: test(id) },
    }));
    await using project = await mistakesProject(rows, { '.gitignore': 'venv/\n.venv/\nenv/\n' });
    await project.write({
      'i2/venv/pyvenv.cfg': 'home = /nowhere\n',
      'i3/.venv/bin/python': '#!/bin/sh\nexit 3\n',
      'i4/.venv/bin/python': '#!/bin/sh\necho "pyenv: version 3.1 is not installed" >&2\nexit 127\n',
      'i5/env/pyvenv.cfg': '',
      'i5/env/bin/python': `#!/bin/sh\nexec ${folder}/bin/python "$@"\n`,
      'i1/.venv/lib/x': '',
    });
    await mkdir(join(project.root, 'i1/.venv/bin'));
    await symlink('/nowhere/python', join(project.root, 'i1/.venv/bin/python'));
    const path = { PATH: `${folder}/bin:${process.env['PATH'] ?? ''}` };
    expect(wrongRows(rows, await judge(project, [], { env: path }))).toEqual([]);
    const gone = await project.verify(['--all', '--no-cache'], {
      env: { ...path, COHERENCE_BACKENDS__PYTHON__BIN: '/nowhere/python' },
    });
    expect(new Set(Object.values(verdicts(gone.record)))).toEqual(new Set(['SKIP(unavailable:python)']));
    expect(gone.out).toContain('there is no program /nowhere/python');
  });
});

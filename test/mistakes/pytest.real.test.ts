/** The corpus of mistakes for pytest, on each of its major versions. */
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/model/index.js';
import { definitions } from './pytest-definition-rows.js';
import { settings } from './pytest-option-rows.js';
import { leftOut, outcomes } from './pytest-outcome-rows.js';
import { snapshots, snapshottest } from './pytest-snapshot-rows.js';
import { pythonEnvironment } from './python-rig.js';
import { verdicts } from '../rig/project.js';
import { judge, mistakesProject, wrongRows, type Mistake } from './rig.js';

/** What differs between the versions is how tests are collected and reported; options and plugins are asked of the newest alone. */
const everywhere = [...definitions, ...leftOut, ...outcomes];
/** Libraries of snapshots have one option between them, so each has an environment of its own. */
const PLAN = [
  { version: 7, libraries: [], rows: everywhere },
  { version: 8, libraries: ['snapshottest'], rows: [...everywhere, ...snapshottest] },
  { version: 9, libraries: ['syrupy', 'inline-snapshot'], rows: [...everywhere, ...settings, ...snapshots] },
];
const VERSIONS = await Promise.all(
  PLAN.map(async ({ version, libraries, rows }) => ({
    version,
    rows,
    folder: await pythonEnvironment([`pytest-${version}`, ...libraries].join('-'), [
      `pytest==${version}.*`,
      'pytest-xdist',
      'pytest-rerunfailures',
      ...libraries,
    ]),
  })),
);
const present = VERSIONS.every(({ folder }) => folder !== null);

/** Why a criterion's pass is not a steady one. */
const flakyOf = (record: RunRecord, id: string): string | undefined =>
  record.specs.flatMap((spec) => spec.criteria).find((criterion) => criterion.id === id)?.checks[0]?.flaky;

describe.skipIf(!present && process.env['CI'] !== 'true')('mistakes in pytest', () => {
  // @verifies AC-runners-pytest-definition, AC-runners-pytest-body, AC-runners-pytest-left-out, AC-runners-pytest-options, AC-runners-pytest-snapshots
  it.each(VERSIONS)('are judged rightly by pytest $version', async ({ version, folder, rows }) => {
    await using project = await mistakesProject(rows, {
      'tests/x47c/conftest.py': 'collect_ignore = ["old"]\n',
      '.gitignore': '.venv\n',
    });
    const { record } = await project.verify(['--all', '--no-cache'], {
      env: { COHERENCE_BACKENDS__PYTHON__BIN: join(folder ?? '', 'bin', 'python') },
    });
    expect(wrongRows(rows, new Map(Object.entries(verdicts(record))))).toEqual([]);
    expect(flakyOf(record, 'AC-o14')).toMatch(/^passed after a try that failed: /u);
    expect(flakyOf(record, 'AC-o15')).toMatch(/^passed after 2 tries that failed: /u);
    expect(flakyOf(record, 'AC-o04')).toContain('xfail');
    expect(flakyOf(record, 'AC-p22e')).toBeUndefined();
    // No cache, report or snapshot lies beside a test afterwards.
    const beside = await readdir(join(project.root, 'tests', 'o33')).catch(() => []);
    expect(beside).toEqual(version === 9 ? ['pytest.ini', 'test_o33.py'] : []);
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

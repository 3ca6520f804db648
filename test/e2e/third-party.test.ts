/**
 * Real third-party projects: a crate and a Python source distribution, downloaded when the test runs, with criteria written from their
 * public documentation and linked without changing their sources.
 */
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testProject, verdicts, type TestProject } from '../rig/project.js';

const SEMVER: Readonly<Record<string, string>> = {
  'parses three numbers, a pre-release and build metadata': 'tests/test_version.rs::test_parse',
  'two versions of the same text are equal': 'tests/test_version.rs::test_eq',
  'a different pre-release is a different version': 'tests/test_version.rs::test_ne',
  'prints what it parsed': 'tests/test_version.rs::test_display',
  'a pre-release precedes its release': 'tests/test_version.rs::test_lt',
  'ordering is total with equality': 'tests/test_version.rs::test_le',
  'a release follows its pre-release': 'tests/test_version.rs::test_gt',
  'greater-or-equal agrees with greater and equal': 'tests/test_version.rs::test_ge',
  'orders the examples of the specification as it says': 'tests/test_version.rs::test_spec_order',
  'alignment in formats is honoured': 'tests/test_version.rs::test_align',
  'a plain requirement means caret': 'tests/test_version_req.rs::test_basic',
  'the default requirement matches any version': 'tests/test_version_req.rs::test_default',
  'an exact requirement matches only its version': 'tests/test_version_req.rs::test_exact',
  'a comparator parses by itself': 'tests/test_version_req.rs::test_comparator_parse',
  'an identifier keeps its text': 'tests/test_identifier.rs::test_new',
};
const PACKAGING: Readonly<Record<string, string>> = {
  'parse gives a Version': 'tests/test_version.py::test_parse',
  'parse refuses what is no version': 'tests/test_version.py::test_parse_raises',
  'every valid form is accepted': 'tests/test_version.py::TestVersion::test_valid_versions',
  'invalid forms are refused': 'tests/test_version.py::TestVersion::test_invalid_versions',
  'versions are normalised': 'tests/test_version.py::TestVersion::test_normalized_versions',
  'the epoch can be read': 'tests/test_version.py::TestVersion::test_version_epoch',
  'ordering follows PEP 440': 'tests/test_version.py::TestVersion::test_comparison_true',
  'names are canonicalised': 'tests/test_utils.py::test_canonicalize_name',
  'an invalid name is refused': 'tests/test_utils.py::test_canonicalize_name_invalid',
  'a wheel file name is taken apart': 'tests/test_utils.py::test_parse_wheel_filename',
  'a bad wheel file name is refused': 'tests/test_utils.py::test_parse_wheel_invalid_filename',
  'a requirement without a name is an error': 'tests/test_requirements.py::TestRequirementParsing::test_error_no_name',
  'an empty requirement is an error':
    'tests/test_requirements.py::TestRequirementParsing::test_error_when_empty_string',
  'markers compare versions by PEP 440': 'tests/test_markers.py::TestOperatorEvaluation::test_prefers_pep440',
  'valid specifiers are accepted': 'tests/test_specifiers.py::TestSpecifier::test_specifiers_valid',
};

const spec = (id: string, links: Readonly<Record<string, string>>): string =>
  `id: SPEC-${id}\ntitle: ${id}\nlevel: product\nstatus: active\ncriteria:\n${Object.entries(links)
    .map(
      ([title, selector], i) =>
        `  - id: AC-${id}-${i + 1}\n    title: ${title}\n    verified_by:\n      - test: ${selector}\n`,
    )
    .join('')}`;

async function expectAllPass(project: TestProject, count: number, args: readonly string[] = []): Promise<void> {
  const { record, code } = await project.verify(['--no-cache', ...args]);
  const found = verdicts(record);
  expect(Object.keys(found)).toHaveLength(count);
  expect(Object.entries(found).filter(([, verdict]) => verdict !== 'PASS(executed)')).toEqual([]);
  expect(code).toBe(0);
}

describe('third-party projects', () => {
  // @verifies AC-cli-main-job
  it('the crate semver verifies', async () => {
    await using project = await testProject();
    const fetcher = join(project.folder, 'fetcher');
    await mkdir(join(fetcher, 'src'), { recursive: true });
    await project.write({
      '../fetcher/Cargo.toml':
        '[package]\nname = "fetcher"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nsemver = "=1.0.23"\n',
      '../fetcher/src/lib.rs': '',
    });
    const metadata = await project.run(['cargo', 'metadata', '--format-version=1', '--quiet'], { cwd: fetcher });
    expect(metadata.ok, metadata.stderr).toBe(true);
    const manifest =
      (JSON.parse(metadata.stdout) as { packages: { name: string; manifest_path: string }[] }).packages.find(
        (item) => item.name === 'semver',
      )?.manifest_path ?? '';
    await cp(join(manifest, '..'), project.root, { recursive: true });
    await project.write({ 'specs/semver.yaml': spec('semver', SEMVER), '.gitignore': 'target\nCargo.lock\n' });
    await project.commit();
    await expectAllPass(project, 15);
    expect(await project.git('status', '--porcelain')).toBe('');
  });

  // @verifies AC-cli-main-job
  it('the Python distribution packaging verifies', async () => {
    await using project = await testProject();
    const python = ['python3', '-m'];
    const downloaded = await project.run(
      [
        ...python,
        'pip',
        'download',
        '--quiet',
        '--disable-pip-version-check',
        '--no-deps',
        '--no-binary',
        ':all:',
        '--dest',
        project.folder,
        'packaging==24.2',
      ],
      { env: { ...process.env } },
    );
    expect(downloaded.ok, downloaded.stderr).toBe(true);
    const archive = (await readdir(project.folder)).find((name) => name.endsWith('.tar.gz')) ?? '';
    expect(
      (await project.run(['tar', 'xzf', join(project.folder, archive), '--strip-components=1', '-C', project.root])).ok,
    ).toBe(true);
    // Its tests also want `pretend`; it goes into a folder of its own.
    const extra = await project.run(
      [
        ...python,
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '--target',
        join(project.folder, 'extra'),
        'pretend',
      ],
      { env: { ...process.env } },
    );
    expect(extra.ok, extra.stderr).toBe(true);
    await project.write({ 'specs/packaging.yaml': spec('packaging', PACKAGING) });
    await project.commit();
    const env = { PYTHONPATH: `${join(project.root, 'src')}:${join(project.folder, 'extra')}` };
    const { record } = await project.verify(['--no-cache'], { env });
    expect(Object.entries(verdicts(record)).filter(([, verdict]) => verdict !== 'PASS(executed)')).toEqual([]);
    expect(Object.keys(verdicts(record))).toHaveLength(15);
    expect(await project.git('status', '--porcelain')).toBe('');
  });
});

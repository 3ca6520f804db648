/** The project's own pytest options, and the verdict that is right. */
import type { Mistake } from './rig.js';
import { SKIPPED, PASS, row, GOOD, BAD, type More } from './pytest-row.js';

/** A folder with a `pytest.ini` of its own: the options of row `id`. */
const options = (
  id: string,
  tried: string,
  ini: string,
  wanted: string | readonly string[],
  source: string,
  more: More = {},
): Mistake => row(id, tried, wanted, source, { ...more, files: { 'pytest.ini': `[pytest]\n${ini}\n`, ...more.files } });
const FIRST = `def test_0():\n    assert False\n\n\nTAG\n${GOOD}`;

/** T6: the project's own options do not break us. */
export const settings: readonly Mistake[] = [
  options('x10', '-n 2', 'addopts = -n 2', PASS, `TAG\n${GOOD}`),
  options('x10b', '-n 2, a failing test', 'addopts = -n 2', 'FAIL(assertion)', `TAG\n${BAD}`),
  options('x43', '-n auto --dist loadfile', 'addopts = -n auto --dist loadfile', PASS, `TAG\n${GOOD}`),
  options('x43b', '-d --tx 2*popen', 'addopts = -d --tx 2*popen', PASS, `TAG\n${GOOD}`),
  options('x12', '--stepwise, the test before fails', 'addopts = --stepwise', PASS, FIRST),
  options('x12b', '--lf --stepwise-skip', 'addopts = --lf --stepwise-skip', PASS, FIRST),
  options('x44', '--ff --nf', 'addopts = --ff --nf', PASS, `TAG\n${GOOD}`),
  options('x44b', '--cache-clear', 'addopts = --cache-clear', PASS, `TAG\n${GOOD}`),
  options('x44c', '-p no:cacheprovider', 'addopts = -p no:cacheprovider', PASS, `TAG\n${GOOD}`),
  options(
    'x44d',
    'a test that uses the cache fixture',
    'addopts = -q',
    PASS,
    'TAG\ndef test_a(cache):\n    cache.set("a/b", 1)\n    assert cache.get("a/b", 0) == 1\n',
  ),
  options('x41', 'filterwarnings = error', 'filterwarnings = error', PASS, `TAG\n${GOOD}`),
  options('x42', '-W error', 'addopts = -W error', PASS, `TAG\n${GOOD}`),
  options(
    'x42b',
    '-W error, a test that warns',
    'addopts = -W error',
    'FAIL(assertion)',
    'import warnings\n\n\nTAG\ndef test_a():\n    warnings.warn("old")\n',
  ),
  options(
    'x45',
    '--strict-markers and the verifies mark',
    'addopts = --strict-markers --strict-config',
    PASS,
    `import pytest\n\n\n@pytest.mark.verifies("AC-x45")\n${GOOD}`,
  ),
  options(
    'x45b',
    'the verifies mark under -W error',
    'addopts = -W error',
    PASS,
    `import pytest\n\n\n@pytest.mark.verifies("AC-x45b")\n${GOOD}`,
  ),
  options('o20', '-x, the test before fails', 'addopts = -x', PASS, FIRST),
  options('o21', '--maxfail=1', 'addopts = --maxfail=1', PASS, FIRST),
  options('o22', '-k that takes it out', 'addopts = -k other', SKIPPED, `TAG\n${BAD}`),
  options(
    'o23',
    '-m that takes it out',
    'addopts = -m "not slow"\nmarkers = slow',
    SKIPPED,
    `import pytest\n\n\nTAG\n@pytest.mark.slow\n${BAD}`,
  ),
  options('o24', '--deselect', 'addopts = --deselect test_o24.py::test_a', SKIPPED, `TAG\n${BAD}`),
  options('o25', '--ignore', 'addopts = --ignore=test_o25.py', SKIPPED, `TAG\n${BAD}`),
  options('o26', '--import-mode=importlib', 'addopts = --import-mode=importlib', PASS, `TAG\n${GOOD}`),
  options('o27', '--import-mode=append', 'addopts = --import-mode=append', PASS, `TAG\n${GOOD}`),
  options('o28', '--setup-only', 'addopts = --setup-only', 'FAIL(assertion)', `TAG\n${BAD}`),
  options('o29', '--collect-only', 'addopts = --collect-only', PASS, `TAG\n${GOOD}`),
  options('o30', '--pdb', 'addopts = --pdb', 'FAIL(assertion)', `TAG\n${BAD}`),
  options('o31', '--tb=no -q -q', 'addopts = --tb=no -q -q', 'FAIL(assertion)', `TAG\n${BAD}`),
  options('o32', '-p no:terminal', 'addopts = -p no:terminal', PASS, `TAG\n${GOOD}`),
  options('o33', '--junitxml into the tree', 'addopts = --junitxml=report.xml', PASS, `TAG\n${GOOD}`),
  options(
    'o34',
    '--runxfail',
    'addopts = --runxfail',
    'FAIL(assertion)',
    `import pytest\n\n\nTAG\n@pytest.mark.xfail\n${BAD}`,
  ),
  options(
    'o35',
    'xfail_strict',
    'xfail_strict = true',
    'FAIL(assertion)',
    `import pytest\n\n\nTAG\n@pytest.mark.xfail\n${GOOD}`,
  ),
  options(
    'o36',
    '--reruns',
    'addopts = --reruns 2',
    PASS,
    'n = 0\n\n\nTAG\ndef test_a():\n    global n\n    n += 1\n    assert n == 2\n',
  ),
  options('o37', '--reruns that never passes', 'addopts = --reruns 2', 'FAIL(assertion)', `TAG\n${BAD}`),
  row('o40', 'a folder with a bracket', PASS, `TAG\n${GOOD}`, { folder: 'tests/o40[1]' }),
  row('o41', 'a folder with two colons', PASS, `TAG\n${GOOD}`, { folder: 'tests/o41::x' }),
  row('o42', 'a failing test in a folder with a bracket', 'FAIL(assertion)', `TAG\n${BAD}`, {
    folder: 'tests/o42[a-b]/deep',
  }),
  row('o43', 'its neighbour with a plain name', PASS, `TAG\n${GOOD}`, { folder: 'tests/o42[a-b]' }),
  row('o44', 'a folder that pytest does not walk into', PASS, `TAG\n${GOOD}`, { folder: 'tests/build' }),
];

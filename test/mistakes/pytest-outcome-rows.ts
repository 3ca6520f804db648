/** What pytest leaves out, expects to fail or never runs, and the verdict that is right. */
import type { Mistake } from './rig.js';
import { SKIPPED, PASS, IDLE, row, GOOD, BAD } from './pytest-row.js';

/** T1 and T6: what pytest leaves out on purpose. */
export const leftOut: readonly Mistake[] = [
  row(
    'p16',
    'pytest.skip of a whole module',
    SKIPPED,
    `import pytest\n\npytest.skip("later", allow_module_level=True)\n\n\nTAG\n${BAD}`,
  ),
  row(
    'p16b',
    'pytest.skip of a module on a condition that holds',
    SKIPPED,
    `import pytest, sys\n\nif sys.platform != "win32":\n    pytest.skip("windows only", allow_module_level=True)\n\n\nTAG\n${BAD}`,
  ),
  row(
    'p16c',
    'pytest.skip of a module on a condition that does not hold',
    PASS,
    `import pytest, sys\n\nif sys.platform == "win32":\n    pytest.skip("posix only", allow_module_level=True)\n\n\nTAG\n${GOOD}`,
  ),
  row(
    'p17',
    'importorskip of a module that is not there',
    SKIPPED,
    `import pytest\n\nnp = pytest.importorskip("numpy_not_there")\n\n\nTAG\n${BAD}`,
  ),
  row(
    'x46',
    'importorskip of a version that is not there',
    SKIPPED,
    `import pytest\n\np = pytest.importorskip("pytest", minversion="999")\n\n\nTAG\n${BAD}`,
  ),
  row(
    'x46b',
    'unittest.SkipTest raised by a module',
    SKIPPED,
    `import unittest\n\nraise unittest.SkipTest("no display")\n\n\nTAG\n${BAD}`,
  ),
  row('x46c', 'a helper module that skips', SKIPPED, `from x46c_helper import thing\n\n\nTAG\n${BAD}`, {
    files: { 'x46c_helper.py': 'import pytest\n\npytest.skip("no device", allow_module_level=True)\n' },
  }),
  row(
    'x46d',
    'a module that cannot be imported is no skip',
    'ERROR(build)',
    `import not_there_at_all\n\n\nTAG\n${GOOD}`,
  ),
  row('x47', 'collect_ignore in conftest.py', SKIPPED, `TAG\n${BAD}`, {
    files: { 'conftest.py': 'collect_ignore = ["test_x47.py"]\n' },
  }),
  row('x47b', 'collect_ignore_glob in conftest.py', SKIPPED, `raise RuntimeError("python 2 only")\n\n\nTAG\n${BAD}`, {
    files: { 'conftest.py': 'collect_ignore_glob = ["*_x47b.py"]\n' },
  }),
  row('x47c', 'collect_ignore names the folder', SKIPPED, `TAG\n${BAD}`, {
    folder: 'tests/x47c/old',
    files: { '../conftest.py': '' },
  }),
  row('x47d', 'pytest_ignore_collect in conftest.py', SKIPPED, `TAG\n${BAD}`, {
    files: {
      'conftest.py':
        'def pytest_ignore_collect(collection_path):\n    return True if collection_path.name == "test_x47d.py" else None\n',
    },
  }),
  row('x47e', 'a hook in conftest.py takes tests out', SKIPPED, `TAG\n${BAD}`, {
    files: {
      'conftest.py':
        'def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if "x47e" not in i.nodeid]\n',
    },
  }),
];

/** T3: what pytest says worst is believed. */
export const outcomes: readonly Mistake[] = [
  row(
    'o01',
    'xfail of a known bug',
    'SKIP(expected-failure)',
    `import pytest\n\n\nTAG\n@pytest.mark.xfail(reason="known")\n${BAD}`,
  ),
  row(
    'o02',
    'strict xfail that fails',
    'SKIP(expected-failure)',
    `import pytest\n\n\nTAG\n@pytest.mark.xfail(strict=True)\n${BAD}`,
  ),
  row(
    'o03',
    'strict xfail that passes',
    'FAIL(assertion)',
    `import pytest\n\n\nTAG\n@pytest.mark.xfail(strict=True)\n${GOOD}`,
  ),
  row('o04', 'xfail that passes', PASS, `import pytest\n\n\nTAG\n@pytest.mark.xfail\n${GOOD}`),
  row(
    'o05',
    'pytest.xfail() in the body',
    'SKIP(expected-failure)',
    'import pytest\n\n\nTAG\ndef test_a():\n    pytest.xfail("known")\n',
  ),
  row(
    'o06',
    'xfail(run=False)',
    'SKIP(expected-failure)',
    `import pytest\n\n\nTAG\n@pytest.mark.xfail(run=False, reason="hangs")\n${BAD}`,
  ),
  row(
    'o07',
    'unittest.expectedFailure',
    'SKIP(expected-failure)',
    'import unittest\n\n\nclass U(unittest.TestCase):\n    TAG\n    @unittest.expectedFailure\n    def test_a(self):\n        self.fail()\n',
  ),
  row(
    'o08',
    'unittest.expectedFailure that passes',
    'FAIL(assertion)',
    'import unittest\n\n\nclass U(unittest.TestCase):\n    TAG\n    @unittest.expectedFailure\n    def test_a(self):\n        self.assertTrue(True)\n',
  ),
  row(
    'o09',
    'one of several parameters is an expected failure',
    'SKIP(expected-failure)',
    'import pytest\n\n\nTAG\n@pytest.mark.parametrize("x", [1, pytest.param(0, marks=pytest.mark.xfail)])\ndef test_a(x):\n    assert x\n',
  ),
  row(
    'p22',
    'an async method of unittest.TestCase',
    ['ERROR(not-reported)', 'FAIL(assertion)'],
    'import unittest\n\n\nclass U(unittest.TestCase):\n    TAG\n    async def test_a(self):\n        self.fail()\n',
  ),
  row('p22b', 'an async function without a plugin', 'not PASS', 'TAG\nasync def test_a():\n    assert False\n'),
  row(
    'p22c',
    'an async method of a plain class',
    'not PASS',
    'class TestA:\n    TAG\n    async def test_a(self):\n        assert False\n',
  ),
  row(
    'p22d',
    'a generator method of unittest.TestCase',
    ['ERROR(not-reported)', 'FAIL(assertion)'],
    'import unittest\n\n\nclass U(unittest.TestCase):\n    TAG\n    def test_a(self):\n        yield self.fail()\n',
  ),
  row(
    'p22e',
    'IsolatedAsyncioTestCase awaits',
    PASS,
    'import unittest\n\n\nclass U(unittest.IsolatedAsyncioTestCase):\n    TAG\n    async def test_a(self):\n        self.assertTrue(True)\n',
  ),
  row(
    'p22f',
    'an async test behind a decorator that runs it',
    PASS,
    'import asyncio, functools\n\n\ndef run(f):\n    @functools.wraps(f)\n    def inner(*a):\n        return asyncio.run(f(*a))\n    return inner\n\n\nTAG\n@run\nasync def test_a():\n    assert True\n',
  ),
  row(
    'p22g',
    'an async test behind a decorator that forgets to run it',
    IDLE,
    'import functools\n\n\ndef run(f):\n    @functools.wraps(f)\n    def inner(*a):\n        f(*a).close()\n    return inner\n\n\nTAG\n@run\nasync def test_a():\n    assert False\n',
  ),
  row(
    'o14',
    'a test that passes at its second try',
    PASS,
    'import pytest\n\nTRIES = []\n\n\nTAG\n@pytest.mark.flaky(reruns=2)\ndef test_a():\n    TRIES.append(1)\n    assert len(TRIES) == 2\n',
  ),
  row(
    'o15',
    'a test that passes at its third try, a method',
    PASS,
    'import pytest\n\nTRIES = []\n\n\nclass TestA:\n    TAG\n    @pytest.mark.flaky(reruns=2)\n    def test_a(self):\n        TRIES.append(1)\n        assert len(TRIES) == 3\n',
  ),
  row(
    'o16',
    'a test that fails at every try',
    'FAIL(assertion)',
    'import pytest\n\n\nTAG\n@pytest.mark.flaky(reruns=1)\ndef test_a():\n    assert False\n',
  ),
  row('o10', 'a test that returns a comparison', 'FAIL(assertion)', 'TAG\ndef test_a():\n    return 1 == 2\n'),
  row(
    'o11',
    'a failing subTest',
    'FAIL(assertion)',
    'import unittest\n\n\nclass U(unittest.TestCase):\n    TAG\n    def test_a(self):\n        for n in (1, 2):\n            with self.subTest(n=n):\n                self.assertEqual(n, 1)\n',
  ),
  row(
    'o12',
    'a fixture that fails on the way out',
    'FAIL(assertion)',
    'import pytest\n\n\n@pytest.fixture\ndef thing():\n    yield 1\n    raise RuntimeError("left over")\n\n\nTAG\ndef test_a(thing):\n    assert thing\n',
  ),
  row(
    'o13',
    'a module teardown that fails',
    ['FAIL(assertion)', 'ERROR(setup)'],
    'def teardown_module():\n    raise RuntimeError("left over")\n\n\nTAG\ndef test_a():\n    assert True\n',
  ),
];

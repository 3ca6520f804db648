/** Which definition ran: honest mistakes and habits in Python tests, and the verdict that is right. */
import type { Mistake } from './rig.js';
import { OUT, OTHER, PASS, IDLE, row, GOOD, BAD, WIN } from './pytest-row.js';

/** T1: only the tagged definition counts. */
export const definitions: readonly Mistake[] = [
  row('p03', 'a function that a later one of its name replaces', OTHER, `TAG\n${BAD}\n\n${GOOD}`),
  row('p03b', 'the later of two functions is tagged', PASS, `${BAD}\n\nTAG\n${GOOD}`),
  row(
    'p05',
    'a method that a later one replaces',
    OTHER,
    'class TestP:\n    TAG\n    def test_m(self):\n        assert False\n\n    def test_m(self):\n        assert True\n',
  ),
  row(
    'p05b',
    'a unittest method that a later one replaces',
    OTHER,
    'import unittest\n\n\nclass P(unittest.TestCase):\n    TAG\n    def test_m(self):\n        self.fail()\n\n    def test_m(self):\n        self.assertTrue(1)\n',
  ),
  row(
    'p05c',
    'a class that a later class replaces',
    OTHER,
    'class TestP:\n    TAG\n    def test_m(self):\n        assert False\n\n\nclass TestP:\n    def test_m(self):\n        assert True\n',
  ),
  row(
    'p05d',
    'a method in a nested class that a later nested class replaces',
    OTHER,
    'class TestP:\n    class TestQ:\n        TAG\n        def test_m(self):\n            assert False\n\n    class TestQ:\n        def test_m(self):\n            assert True\n',
  ),
  row(
    'p05e',
    'a replaced class that only inherits',
    OTHER,
    'class Base:\n    def test_m(self):\n        assert self.ok\n\n\nTAG\nclass TestP(Base):\n    ok = False\n\n\nclass TestP(Base):\n    ok = True\n\n    def test_n(self):\n        assert True\n',
  ),
  row(
    'p05f',
    'a class of the same name in another class',
    PASS,
    'class TestP:\n    class TestQ:\n        TAG\n        def test_m(self):\n            assert True\n\n\nclass TestQ:\n    def test_m(self):\n        assert False\n',
  ),
  row(
    'p06',
    'if/else on the platform, the tagged branch does not hold',
    OUT,
    `${WIN}if sys.platform == "win32":\n    TAG\n    def test_a():\n        assert False\nelse:\n    def test_a():\n        assert True\n`,
  ),
  row(
    'p06b',
    'if/else on the platform, the tagged branch holds',
    PASS,
    `${WIN}if sys.platform == "win32":\n    def test_a():\n        assert False\nelse:\n    TAG\n    def test_a():\n        assert True\n`,
  ),
  row(
    'p06c',
    'only the platform that is not here has the test',
    OUT,
    `${WIN}if sys.platform == "win32":\n    TAG\n    def test_a():\n        assert False\n\n\ndef test_b():\n    assert True\n`,
  ),
  row(
    'p06d',
    'a general test, replaced where a condition holds that does not',
    OUT,
    `${WIN}def test_a():\n    assert True\n\n\nif sys.platform == "win32":\n    TAG\n    def test_a():\n        assert False\n`,
  ),
  row(
    'p06e',
    'a conditional class that does not exist here',
    OUT,
    `${WIN}if sys.platform == "win32":\n    class TestW:\n        TAG\n        def test_a(self):\n            assert False\nelse:\n    class TestW:\n        def test_a(self):\n            assert True\n`,
  ),
  row(
    'p06f',
    'a conditional method that does not exist here',
    OUT,
    `${WIN}class TestW:\n    if sys.platform == "win32":\n        TAG\n        def test_a(self):\n            assert False\n    else:\n        def test_a(self):\n            assert True\n`,
  ),
  row(
    'p06g',
    'a conditional test that holds and is replaced below',
    OTHER,
    `${WIN}if sys.platform != "win32":\n    TAG\n    def test_a():\n        assert False\n\n\ndef test_a():\n    assert True\n`,
  ),
  row(
    'p06h',
    'elif of a version',
    OUT,
    `${WIN}if sys.version_info < (2,):\n    def test_a():\n        assert True\nelif sys.version_info < (3,):\n    TAG\n    def test_a():\n        assert False\nelse:\n    def test_a():\n        assert True\n`,
  ),
  row(
    'p06i',
    'a test in a loop that never turns',
    OUT,
    'for _ in []:\n    TAG\n    def test_a():\n        assert False\n',
  ),
  row(
    'p07',
    'try/except ImportError, the tagged one needs what is not there',
    OUT,
    'try:\n    import not_there_at_all\n    TAG\n    def test_a():\n        assert False\nexcept ImportError:\n    def test_a():\n        assert True\n',
  ),
  row(
    'p07b',
    'try/except ImportError, the import works and the tagged one is for when it does not',
    OUT,
    'try:\n    import json\nexcept ImportError:\n    TAG\n    def test_a():\n        assert False\nelse:\n    def test_a():\n        assert True\n',
  ),
  row(
    'p07c',
    'try/except ImportError, the tagged one is in force',
    PASS,
    'try:\n    import json\n\n    TAG\n    def test_a():\n        assert json\nexcept ImportError:\n    def test_a():\n        assert False\n',
  ),
  row(
    'p07d',
    'try with finally and no handler is no condition',
    PASS,
    'try:\n    TAG\n    def test_a():\n        assert True\nfinally:\n    pass\n',
  ),
  row('p41', 'a name that an import takes over below', OTHER, `TAG\n${BAD}\n\nfrom p41_other import test_a\n`, {
    files: { 'p41_other.py': GOOD },
  }),
  row('p41b', 'a name that a star import takes over', OTHER, `TAG\n${BAD}\n\nfrom p41b_other import *\n`, {
    files: { 'p41b_other.py': GOOD },
  }),
  row(
    'p41c',
    'a name that an assignment takes over',
    OTHER,
    `TAG\n${BAD}\n\ndef helper():\n    assert True\n\n\ntest_a = helper\n`,
  ),
  row(
    'p41d',
    'a name that another test takes over',
    OTHER,
    `TAG\n${BAD}\n\ndef test_b():\n    assert True\n\n\ntest_a = test_b\n`,
  ),
  row(
    'p41e',
    'a method that is replaced after its class',
    OTHER,
    'class TestP:\n    TAG\n    def test_m(self):\n        assert False\n\n\nTestP.test_m = lambda self: None\n',
  ),
  row(
    'p41f',
    'an import above that the definition takes over',
    PASS,
    `from p41f_other import test_a\n\n\nTAG\n${GOOD}`,
    { files: { 'p41f_other.py': BAD } },
  ),
  row(
    'x48',
    'a tagged class with two methods of one name',
    OTHER,
    'TAG\nclass TestP:\n    def test_m(self):\n        assert False\n\n    def test_m(self):\n        assert True\n',
  ),
  row(
    'x48b',
    'a file tag over two functions of one name',
    OTHER,
    `"""TAG"""\n\n\n${BAD}\n\n${GOOD}`.replace('"""TAG"""', '"""@verifies AC-x48b"""'),
  ),
  row(
    'x49',
    'generated tests overwrite a tagged one',
    OTHER,
    `TAG\n${BAD}\n\ndef make(n):\n    def made():\n        assert n\n    return made\n\n\nfor name in ["a", "b"]:\n    globals()["test_" + name] = make(1)\n`,
  ),
  row('x49b', 'exec overwrites a tagged one', OTHER, `TAG\n${BAD}\n\nexec("def test_a():\\n    assert True")\n`),
  row(
    'x49c',
    'setattr on the module overwrites a tagged one',
    OTHER,
    `import sys\n\n\nTAG\n${BAD}\n\nsetattr(sys.modules[__name__], "test_a", lambda: None)\n`,
  ),
  row(
    'd01',
    'a decorator without functools.wraps',
    PASS,
    `def deco(f):\n    def inner():\n        return f()\n    return inner\n\n\nTAG\n@deco\n${GOOD}`,
  ),
  row(
    'd02',
    'a decorator with functools.wraps from another file',
    PASS,
    `from d02_other import deco\n\n\nTAG\n@deco\n${GOOD}`,
    {
      files: {
        'd02_other.py':
          'import functools\n\n\ndef deco(f):\n    @functools.wraps(f)\n    def inner(*a, **k):\n        return f(*a, **k)\n    return inner\n',
      },
    },
  ),
  row(
    'd03',
    'a decorator whose wrapper never calls the test',
    IDLE,
    `import functools\n\n\ndef deco(f):\n    @functools.wraps(f)\n    def inner():\n        if False:\n            f()\n    return inner\n\n\nTAG\n@deco\n${BAD}`,
  ),
  row(
    'd04',
    'a decorator that gives something else',
    OTHER,
    `def deco(f):\n    return lambda: None\n\n\nTAG\n@deco\n${BAD}`,
  ),
  row(
    'd05',
    'a decorator that runs the test in a thread',
    PASS,
    `import threading\n\n\ndef deco(f):\n    def inner():\n        t = threading.Thread(target=f)\n        t.start()\n        t.join()\n    return inner\n\n\nTAG\n@deco\n${GOOD}`,
  ),
  row(
    'd06',
    'mock.patch above a method',
    PASS,
    'from unittest import mock\n\n\nclass TestP:\n    TAG\n    @mock.patch("os.getcwd")\n    @mock.patch("os.getpid")\n    def test_m(self, pid, cwd):\n        assert pid is not cwd\n',
  ),
  row(
    'd07',
    'a decorator that is an object with a call',
    PASS,
    `class Deco:\n    def __init__(self, f):\n        self.f = f\n\n    def __call__(self):\n        return self.f()\n\n\ndef deco(f):\n    d = Deco(f)\n    def inner():\n        return d()\n    return inner\n\n\nTAG\n@deco\n${GOOD}`,
  ),
  row(
    'd08',
    'a context manager as a decorator',
    PASS,
    `import contextlib\n\n\n@contextlib.contextmanager\ndef around():\n    yield\n\n\nTAG\n@around()\n${GOOD}`,
  ),
  row(
    'd09',
    'a parametrised test with brackets in its values',
    PASS,
    'import pytest\n\n\nTAG\n@pytest.mark.parametrize("x", ["a[0]", "b::c"])\ndef test_a(x):\n    assert x\n',
  ),
  row(
    'd10',
    'a method that a class inherits in its file',
    PASS,
    'class Base:\n    TAG\n    def test_m(self):\n        assert True\n\n\nclass TestA(Base):\n    pass\n\n\nclass TestB(Base):\n    pass\n',
  ),
  row(
    'd11',
    'an inherited method that is replaced in its base',
    OTHER,
    'class Base:\n    TAG\n    def test_m(self):\n        assert False\n\n    def test_m(self):\n        assert True\n\n\nclass TestA(Base):\n    pass\n',
  ),
  row(
    'd12',
    'static and class methods',
    PASS,
    'class TestP:\n    TAG\n    @staticmethod\n    def test_m():\n        assert True\n\n    TAG\n    @classmethod\n    def test_n(cls):\n        assert cls\n',
  ),
];

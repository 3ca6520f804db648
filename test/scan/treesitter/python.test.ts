import { describe, expect, it } from 'vitest';
import { python } from '../../../src/scan/treesitter/index.js';
import { find, linkLines, selectors, testLines, testNamed } from './rig.js';

const lines = (...text: string[]): string => `${text.join('\n')}\n`;

// @verifies AC-scan-languages-python-tests
describe('tests', () => {
  it('finds functions and classes as pytest collects them', async () => {
    const found = await find(
      python,
      'tests/test_a.py',
      lines(
        'import pytest, unittest',
        'from unittest import IsolatedAsyncioTestCase as Aio',
        '',
        'def test_one(): assert 1',
        'async def test_two(): assert 1',
        'def helper(): pass',
        'def check_this(): pass',
        '@pytest.fixture',
        'def test_data(): return 1',
        '',
        'class TestGroup:',
        '    def test_a(self): assert 1',
        '    @staticmethod',
        '    def test_b(): assert 1',
        '    def other(self): pass',
        '    class TestInner:',
        '        def test_c(self): assert 1',
        'class TestBuilt:',
        '    def __init__(self): pass',
        '    def test_no(self): assert 1',
        'class Group:',
        '    def test_no(self): assert 1',
        'class TestOff:',
        '    __test__ = False',
        '    def test_no(self): assert 1',
        'class Named(unittest.TestCase):',
        '    def test_d(self): self.fail()',
        '    def setUp(self): pass',
        'class Waits(Aio):',
        '    async def test_e(self): self.assertTrue(1)',
        'class Web(django.test.SimpleTestCase):',
        '    def test_f(self): self.assertTrue(1)',
        'if True:',
        '    def test_maybe(): assert 1',
        'try:',
        '    import x',
        'except ImportError:',
        '    def test_fallback(): assert 1',
      ),
    );
    expect(testLines(found)).toEqual([
      'case test_one',
      'case test_two',
      'suite TestGroup',
      'case TestGroup::test_a',
      'case TestGroup::test_b',
      'suite TestGroup::TestInner',
      'case TestGroup::TestInner::test_c',
      'suite Named',
      'case Named::test_d',
      'suite Waits',
      'case Waits::test_e',
      'suite Web',
      'case Web::test_f',
      'case test_maybe conditional',
      'case test_fallback conditional',
    ]);
    expect(found.tests.map((test) => test.framework)).toEqual([
      ...Array<string>(7).fill('pytest'),
      ...Array<string>(6).fill('unittest'),
      'pytest',
      'pytest',
    ]);
  });

  it('gives an inherited test to every class that inherits it, and one that is overridden to the nearest', async () => {
    const found = await find(
      python,
      'test_a.py',
      lines(
        'import unittest',
        'class Checks:',
        '    # @verifies AC-shared',
        '    def test_shared(self): self.assertTrue(1)',
        '    def test_over(self): self.assertTrue(1)',
        '    def test_gone(self): assert 1',
        'class A(Checks, unittest.TestCase): pass',
        'class B(A):',
        '    test_gone = None',
        '    def test_over(self): pass',
      ),
    );
    expect(testLines(found)).toEqual([
      'suite A',
      'case A::test_gone',
      'case A::test_over',
      'case A::test_shared',
      'suite B',
      'case B::test_shared',
      'case B::test_over hollow',
    ]);
    expect(linkLines(found)).toEqual([
      'verifies AC-shared -> test A::test_shared',
      'verifies AC-shared -> test B::test_shared',
    ]);
    expect(testNamed(found, 'A::test_shared').line).toBe(7);
    expect(testNamed(found, 'A::test_shared').fingerprint).toBe(testNamed(found, 'B::test_shared').fingerprint);
  });

  it('reads marks through aliases, assignments, classes and the module', async () => {
    const found = await find(
      python,
      'test_a.py',
      lines(
        'import pytest as pt',
        'from pytest import mark',
        'from unittest import TestCase, skip, skipIf, expectedFailure',
        'slow = pt.mark.skipif(True, reason="x")',
        '@pt.mark.skip',
        'def test_skip(): assert 1',
        '@slow',
        'def test_slow(): assert 1',
        '@mark.xfail',
        'def test_xfail(): assert 1',
        '@mark.xfail(sys.platform == "x", reason="y")',
        'def test_xfail_if(): assert 1',
        '@mark.parametrize("a", [1, 2])',
        'def test_many(a): assert a',
        '@pt.mark.parametrize("a", [1])',
        'class TestMany:',
        '    def test_in(self, a): assert a',
        '@mark.skip("no")',
        'class TestSkipped:',
        '    def test_in(self): assert 1',
        'class TestOwn:',
        '    pytestmark = [mark.skip]',
        '    def test_in(self): assert 1',
        'class Unit(TestCase):',
        '    @skip("x")',
        '    def test_a(self): assert 1',
        '    @skipIf(True, "x")',
        '    def test_b(self): assert 1',
        '    @expectedFailure',
        '    def test_c(self): assert 1',
        'def test_body():',
        '    pt.skip("no")',
        'def test_guarded():',
        '    if x: pt.skip("no")',
        '    assert 1',
        '@pt.fixture(params=[1, 2])',
        'def number(request): return request.param',
        'def test_fixture(number): assert number',
        'class Expanded(TestCase):',
        '    @parameterized.expand([(1,)])',
        '    def test_x(self, a): assert a',
      ),
    );
    expect(testLines(found).filter((line) => line.startsWith('case'))).toEqual([
      'case test_skip skip',
      'case test_slow conditional',
      'case test_xfail todo',
      'case test_xfail_if conditional',
      'case test_many parametrised',
      'case TestMany::test_in parametrised',
      'case TestSkipped::test_in skip',
      'case TestOwn::test_in skip',
      'case Unit::test_a skip',
      'case Unit::test_b conditional',
      'case Unit::test_c todo',
      'case test_body skip hollow',
      'case test_guarded conditional',
      'case test_fixture parametrised',
      'case Expanded::test_x dynamic',
    ]);
    expect(selectors(found)).toContain('test_many');
    for (const [head, mark] of [
      ['pytestmark = pytest.mark.skip', 'skip'],
      ['pytest.importorskip("x")', 'conditional'],
      ['x = pytest.importorskip("x")', 'conditional'],
      ['pytest.skip("x", allow_module_level=True)', 'skip'],
      ['if old:\n    pytest.skip("x", allow_module_level=True)', 'conditional'],
    ]) {
      expect(testLines(await find(python, 'test_a.py', `import pytest\n${head}\ndef test_a(): assert 1\n`))).toEqual([
        `case test_a ${mark}`,
      ]);
    }
  });
});

// @verifies AC-scan-languages-python-files
describe('which files hold tests', () => {
  const cases = async (
    file: string,
    files: Record<string, string> = {},
    source = 'def test_a(): assert 1\n',
  ): Promise<readonly string[]> => selectors(await find(python, file, source, files));

  it('goes by name', async () => {
    expect(await cases('test_a.py')).toEqual(['test_a']);
    expect(await cases('pkg/a_test.py')).toEqual(['test_a']);
    expect(await cases('pkg/a.py')).toEqual([]);
    expect(await cases('conftest.py')).toEqual([]);
  });

  it('goes by the nearest configuration of pytest, read as text', async () => {
    expect(
      await cases('pkg/check_a.py', {
        'pyproject.toml': '[tool.pytest.ini_options]\npython_files = "check_*.py tests.py"\n',
      }),
    ).toEqual(['test_a']);
    expect(
      await cases('pkg/check_a.py', { 'pyproject.toml': '[tool.pytest.ini_options]\npython_files = ["check_*.py"]\n' }),
    ).toEqual(['test_a']);
    expect(
      await cases('pkg/check_a.py', { 'pytest.ini': '[pytest]\n# x\npython_files =\n    test_*.py\n    check_*.py\n' }),
    ).toEqual(['test_a']);
    expect(
      await cases('pkg/check_a.py', {
        'setup.cfg': '[metadata]\nname = x\n[tool:pytest]\npython_files = check_*.py\n',
      }),
    ).toEqual(['test_a']);
    expect(await cases('test_a.py', { 'setup.cfg': '[tool:pytest]\npython_files = check_*.py\n' })).toEqual([]);
    expect(
      await cases('pkg/check_a.py', {
        'setup.cfg': '[tool:pytest]\npython_files = check_*.py\n',
        'pkg/pytest.ini': '',
      }),
    ).toEqual([]);
    expect(
      await cases('pkg/check_a.py', {
        'pyproject.toml': '[tool.black]\n',
        'tox.ini': '[pytest]\npython_files = check_?.py\n',
      }),
    ).toEqual(['test_a']);
    expect(await cases('test_a.py', { 'pyproject.toml': 'not = [toml' })).toEqual(['test_a']);
  });

  it('goes by the configured names of classes and functions', async () => {
    const files = { 'pytest.ini': '[pytest]\npython_classes = *Checks\npython_functions = it_* check\n' };
    const source =
      'def it_works(): assert 1\ndef check_b(): assert 1\ndef test_a(): assert 1\nclass MyChecks:\n  def it_too(self): assert 1\nclass TestA:\n  def it_no(self): assert 1\n';
    expect(await cases('test_a.py', files, source)).toEqual(['it_works', 'check_b', 'MyChecks::it_too']);
  });

  it('finds symbols and implementations in other files', async () => {
    const found = await find(
      python,
      'pkg/a.py',
      lines(
        'LIMIT = 1',
        '# @implements AC-a',
        'def run():',
        '    """@implements AC-b"""',
        'class Store:',
        '    def get(self):',
        '        # @implements AC-c',
        '        return 1',
      ),
    );
    expect(found.tests).toEqual([]);
    expect(linkLines(found)).toEqual([
      'implements AC-a -> code run',
      'implements AC-b -> code run',
      'implements AC-c -> code Store.get',
    ]);
    expect(found.symbols.map((symbol) => symbol.name)).toEqual(['run', 'Store', 'Store.get', 'Store::get', 'LIMIT']);
  });
});

describe('links', () => {
  // @verifies AC-scan-languages-comment-tags
  it('binds comments and docstrings by indentation', async () => {
    const found = await find(
      python,
      'test_a.py',
      lines(
        'import pytest',
        '',
        '# @verifies AC-a',
        '@pytest.mark.slow',
        '# @verifies AC-b',
        'def test_a():',
        '    """Says',
        '    @verifies AC-c, AC-d."""',
        '    assert 1',
        '    # @verifies AC-e',
        '',
        '# @verifies AC-f',
        '',
        'def test_b(): assert 1  # @verifies AC-g',
        '',
        'class TestC:',
        '    # @verifies AC-h',
        '    def test_c(self):',
        '        assert 1',
        '        # @verifies AC-i',
        '    # @verifies AC-j',
        '    def test_d(self):',
        "        r'''@verifies AC-k'''",
        '        assert 1',
        '    # @verifies AC-l',
        '# @verifies AC-m',
        'def helper(): pass',
      ),
    );
    expect(linkLines(found)).toEqual([
      'verifies AC-a -> test test_a',
      'verifies AC-b -> test test_a',
      'verifies AC-c -> test test_a',
      'verifies AC-d -> test test_a',
      'verifies AC-e -> test test_a',
      'verifies AC-f -> dangling 13: a blank line ends its reach',
      'verifies AC-g -> test test_b',
      'verifies AC-h -> test TestC::test_c',
      'verifies AC-i -> test TestC::test_c',
      'verifies AC-j -> test TestC::test_d',
      'verifies AC-k -> test TestC::test_d',
      'verifies AC-l -> dangling 27: nothing follows it here',
      'verifies AC-m -> code helper',
    ]);
    expect(found.links[2]).toMatchObject({ line: 8, column: 15, source: 'docstring' });
  });

  // @verifies AC-scan-languages-file-tags
  it('binds the module docstring and what stands at the top to the file', async () => {
    expect(
      linkLines(await find(python, 'test_a.py', '"""Doc.\n\n@verifies AC-a\n"""\ndef test_a(): assert 1\n')),
    ).toEqual(['verifies AC-a -> file']);
    expect(
      linkLines(
        await find(
          python,
          'test_a.py',
          '#!/usr/bin/env python\n# @verifies AC-a\n\nimport x\ndef test_a(): assert 1\n',
        ),
      ),
    ).toEqual(['verifies AC-a -> file']);
    expect(linkLines(await find(python, 'test_a.py', '# @verifies AC-a\ndef test_a(): assert 1\n'))).toEqual([
      'verifies AC-a -> test test_a',
    ]);
    expect(
      linkLines(await find(python, 'test_a.py', '"""Doc."""\n# @verifies AC-a\ndef test_a(): assert 1\n')),
    ).toEqual(['verifies AC-a -> test test_a']);
  });

  // @verifies AC-scan-languages-comment-tags
  it('does not reach over other statements to a later declaration', async () => {
    const found = await find(
      python,
      'test_a.py',
      'import x\n# @verifies AC-a\nprint(1)\ndef test_a(): assert 1\nclass TestB:\n    # @verifies AC-b\n    print(1)\n    def test_b(self): assert 1\n',
    );
    expect(linkLines(found)).toEqual([
      'verifies AC-a -> dangling 3: what follows is no declaration that it could name: `print(1)`',
      'verifies AC-b -> dangling 7: what follows is no declaration that it could name: `print(1)`',
    ]);
  });

  // @verifies AC-scan-languages-python-mark
  it('reads @pytest.mark.verifies on functions, classes and in pytestmark', async () => {
    const found = await find(
      python,
      'test_a.py',
      lines(
        'import pytest',
        'from pytest import mark as m',
        'pytestmark = [pytest.mark.verifies("AC-file"), pytest.mark.slow]',
        'ID = pytest.mark.verifies("AC-named")',
        '@pytest.mark.verifies("AC-a", \'AC-b\')',
        'def test_a(): assert 1',
        '@m.verifies("AC-" "joined")',
        'class TestC:',
        '    pytestmark = m.verifies("AC-own")',
        '    @ID',
        '    def test_b(self): assert 1',
        '@pytest.mark.verifies(f"AC-{x}", other, 3)',
        'def test_dynamic(): assert 1',
        '@mark.verifies("AC-not-pytest")',
        'def test_other(): assert 1',
      ),
    );
    expect(linkLines(found)).toEqual([
      'verifies AC-file -> file',
      'verifies AC-named -> test TestC::test_b',
      'verifies AC-a -> test test_a',
      'verifies AC-b -> test test_a',
      'verifies AC-joined -> test TestC',
      'verifies AC-own -> test TestC',
    ]);
    expect(found.links.every((link) => link.source === 'decorator')).toBe(true);
  });

  // @verifies AC-scan-languages-only-comments
  it('does not take tags from strings that are no docstrings', async () => {
    const found = await find(
      python,
      'test_a.py',
      lines(
        'TEXT = """',
        '# @verifies AC-no',
        '"""',
        'def test_a():',
        '    x = "@verifies AC-no"',
        '    """@verifies AC-no"""',
        "    f'''",
        '    # @verifies AC-no',
        "    '''",
        '    assert x',
        'def test_b():',
        '    f"""@verifies AC-no"""',
        '    assert 1',
      ),
    );
    expect(found.links).toEqual([]);
  });
});

// @verifies AC-scan-languages-hollow
describe('hollow tests', () => {
  const hollow = async (body: string, rest = '', parameters = ''): Promise<boolean | undefined> =>
    testNamed(
      await find(
        python,
        'test_a.py',
        `import pytest\n${rest}\ndef test_t(${parameters}):\n${body
          .split('\n')
          .map((line) => `    ${line}`)
          .join('\n')}\n`,
      ),
      'test_t',
    ).hollow;

  it.each([
    'assert x',
    'raise AssertionError',
    'with pytest.raises(ValueError):\n    run()',
    'pytest.fail("x")',
    'np.testing.assert_allclose(a, b)',
    'mock.assert_called_once()',
    'if slow:\n    return\nassert x',
    'for x in y:\n    assert x',
    'check_page(x)',
  ])('is not %s', async (body) => expect(await hollow(body)).toBe(false));

  it.each(['pass', '...', 'run()', 'x = 1', 'return\nassert x', 'print("assert x")', '"""assert x"""'])(
    'is %s',
    async (body) => expect(await hollow(body)).toBe(true),
  );

  it('follows functions of the file, and does not know about fixtures and foreign base classes', async () => {
    expect(await hollow('run(1)', 'def run(x):\n    inner(x)\ndef inner(x):\n    assert x')).toBe(false);
    expect(await hollow('run(1)', 'def run(x):\n    return run(x)')).toBe(true);
    expect(await hollow('run_page(1)', '', 'run_page')).toBe(undefined);
    const method = await find(
      python,
      'test_a.py',
      'class TestA(Base):\n    def test_a(self): self.run_it()\n    def test_b(self): self.own()\n    def own(self): assert 1\n',
    );
    expect(testLines(method)).toEqual(['suite TestA', 'case TestA::test_a hollow?', 'case TestA::test_b']);
  });
});

// @verifies AC-scan-languages-fingerprint
describe('fingerprints', () => {
  const print = async (source: string): Promise<string> =>
    testNamed(await find(python, 'test_a.py', source), 'test_a').fingerprint;

  it('ignores comments, docstrings, formatting and links, and nothing else', async () => {
    const base = await print('def test_a():\n    if x:\n        run(1, "a")\n    assert y\n');
    expect(
      await print(
        '@pytest.mark.verifies("AC-a")\ndef test_a():\n  """Doc."""\n  # why\n  if x:\n      run(\n          1,\n          "a",\n      )\n  assert y\n'.replace(
          '@',
          'import pytest\n@',
        ),
      ),
    ).toBe(base);
    expect(await print('def test_a():\n    if x:\n        run(1, "a")\n        assert y\n')).not.toBe(base);
    expect(await print('def test_a():\n    if x:\n        run(1, "a ")\n    assert y\n')).not.toBe(base);
    expect(await print('def test_a():\n    assert (1,)\n')).not.toBe(await print('def test_a():\n    assert (1)\n'));
  });
});

// @verifies AC-scan-languages-broken
it('keeps what can be read of a broken file and says where it broke', async () => {
  const found = await find(
    python,
    'test_a.py',
    'def test_a(): assert 1\ndef broken(:\n    pass\ndef test_b(): assert 1\n',
  );
  expect(selectors(found)).toEqual(['test_a', 'test_b']);
  expect(found.problems[0]).toMatchObject({ line: 2 });
});

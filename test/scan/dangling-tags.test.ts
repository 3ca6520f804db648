/** What a tag is bound to, mistake by mistake: never to a neighbour of a test that is commented out, deleted or not understood. */
import { describe, expect, it } from 'vitest';
import type { FoundFile } from '../../src/model/index.js';
import { languageOf } from '../../src/scan/languages.js';
import { projectOf } from './treesitter/rig.js';

async function analysed(file: string, source: string): Promise<FoundFile> {
  const language = languageOf(file);
  if (language === null) throw new Error(`no language for ${file}`);
  return language.find(file, Buffer.from(source), projectOf());
}

/** `dangling 3 (commented-out code…)`, `file`, or the name of what is tagged; links joined by `, `. */
async function bound(file: string, source: string): Promise<string> {
  const found = await analysed(file, source);
  return found.links
    .map(({ binds }) => {
      if (binds.kind === 'file') return 'file';
      if (binds.kind === 'dangling')
        return `dangling ${binds.line}: ${binds.between.replace(/ ends its reach.*| that it could.*/u, '')}`;
      return binds.kind === 'code' ? `code ${binds.symbol}` : binds.selector.replace(/^[^:>]*(?:::| > )/u, '');
    })
    .join(', ');
}

const TS = "import { it, describe, test, expect } from 'vitest';\n";
const GO = 'package a\n\nimport "testing"\n\n';
const NEIGHBOUR = {
  ts: "it('neighbour', () => { expect(1).toBe(1); });\n",
  py: 'def test_neighbour():\n    assert 1\n',
  rs: '#[test]\nfn neighbour() { assert!(true); }\n',
  go: 'func TestNeighbour(t *testing.T) { t.Log("x") }\n',
  java: 'class ATest {\n',
};

// @verifies AC-scan-very-next
describe('a tag never slides', () => {
  it.each([
    [
      '//',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// it('refund', () => {\n//   expect(refund()).toBe(1);\n// });\n${NEIGHBOUR.ts}`,
      'dangling 4: commented-out code',
    ],
    [
      '// with the tag commented as well',
      'a.test.ts',
      `${TS}\n// // @verifies AC-a\n// it('refund', () => {});\n${NEIGHBOUR.ts}`,
      'dangling 3: it is commented out itself',
    ],
    [
      '// tag and test on one commented line',
      'a.test.ts',
      `${TS}\n// it('refund', () => {}); // @verifies AC-a\n${NEIGHBOUR.ts}`,
      'dangling 3: it is commented out itself',
    ],
    [
      '/* … */ around both',
      'a.test.ts',
      `${TS}\n/*\n// @verifies AC-a\nit('refund', () => {});\n*/\n${NEIGHBOUR.ts}`,
      'dangling 4: it is commented out itself',
    ],
    [
      '/* … */ below the tag',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n/* it('refund', () => {\n  expect(1).toBe(1);\n}); */\n${NEIGHBOUR.ts}`,
      'dangling 4: commented-out code',
    ],
    [
      'a commented-out suite',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// describe('s', () => {\n//   it('a', () => {});\n// });\n${NEIGHBOUR.ts}`,
      'dangling 4: commented-out code',
    ],
    [
      'a commented-out todo',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// it.todo('refund');\n${NEIGHBOUR.ts}`,
      'dangling 4: commented-out code',
    ],
    [
      'a commented-out each',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// it.each([[1]])('%i', (n) => {\n//   expect(n).toBe(1);\n// });\n${NEIGHBOUR.ts}`,
      'dangling 4: commented-out code',
    ],
    [
      'prose, then a commented-out test',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// it doesn't work (yet\n// it('refund', () => {\n//   x();\n// });\n${NEIGHBOUR.ts}`,
      'dangling 5: commented-out code',
    ],
    [
      'the first line of a test alone',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// it('refund', async () => {\n${NEIGHBOUR.ts}`,
      'dangling 4: commented-out code',
    ],
    [
      'at the top of the file',
      'a.test.js',
      `// @verifies AC-a\n// it('refund', () => {});\n\n${NEIGHBOUR.ts}`,
      'dangling 2: commented-out code',
    ],
    [
      'at the top, a blank line between',
      'a.test.js',
      `// @verifies AC-a\n\n// it('refund', () => {});\n${NEIGHBOUR.ts}`,
      'dangling 3: commented-out code',
    ],
    [
      'before imports',
      'a.test.ts',
      `// @verifies AC-a\n// it('refund', () => {});\n${TS}${NEIGHBOUR.ts}`,
      'dangling 2: commented-out code',
    ],
    [
      'the last of a suite',
      'a.test.ts',
      `${TS}describe('s', () => {\n  it('a', () => {});\n  // @verifies AC-a\n  // it('b', () => {});\n});\n`,
      'dangling 5: commented-out code',
    ],
    [
      'a deleted last test of a suite',
      'a.test.ts',
      `${TS}describe('s', () => {\n  it('a', () => {});\n  // @verifies AC-a\n});\n`,
      'dangling 5: nothing follows it here',
    ],
    [
      'a deleted test, a blank line',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n\n${NEIGHBOUR.ts}`,
      'dangling 4: a blank line',
    ],
    [
      'a deleted first test of a suite',
      'a.test.ts',
      `${TS}describe('s', () => {\n  // @verifies AC-a\n\n  it('b', () => {});\n});\n`,
      'dangling 4: a blank line',
    ],
    [
      'a deleted test above a constant',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\nconst n = 1;\n${NEIGHBOUR.ts}`,
      'dangling 4: what follows is no declaration',
    ],
    [
      'a deleted test above a hook',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\nbeforeEach(() => {});\n${NEIGHBOUR.ts}`,
      'dangling 4: what follows is no declaration',
    ],
    [
      'an ambient class',
      'types/api.d.ts',
      '/** @implements AC-a */\nexport declare class Cache {}\n',
      'dangling 2: an ambient declaration is no test and implements nothing',
    ],
    [
      'an ambient function',
      'src/a.ts',
      '/** @verifies AC-a */\ndeclare function run(): void;\nexport const a = 1;\n',
      'dangling 2: an ambient declaration is no test and implements nothing',
    ],
    [
      'inside an ambient module',
      'src/a.ts',
      "declare module 'x' {\n  /** @implements AC-a */\n  export function run(): void;\n}\n",
      'dangling 3: an ambient declaration is no test and implements nothing',
    ],
    [
      'Python',
      'test_a.py',
      `import x\n\n# @verifies AC-a\n# def test_refund():\n#     assert refund() == 1\n${NEIGHBOUR.py}`,
      'dangling 4: commented-out code',
    ],
    [
      'Python, the tag as well',
      'test_a.py',
      `import x\n\n# # @verifies AC-a\n# def test_refund():\n#     assert 1\n${NEIGHBOUR.py}`,
      'dangling 3: it is commented out itself',
    ],
    [
      'Python, a string as a comment',
      'test_a.py',
      `import x\n\n# @verifies AC-a\n"""\ndef test_refund():\n    assert 1\n"""\n${NEIGHBOUR.py}`,
      'dangling 4: what follows is no declaration',
    ],
    [
      'Python, a module docstring as a comment',
      'test_a.py',
      `# @verifies AC-a\n"""\ndef test_refund():\n    assert 1\n"""\n${NEIGHBOUR.py}`,
      'dangling 3: commented-out code',
    ],
    [
      'Python, with its decorator',
      'test_a.py',
      `import x\n\n# @verifies AC-a\n# @pytest.mark.slow\n# def test_refund():\n#     assert 1\n${NEIGHBOUR.py}`,
      'dangling 4: commented-out code',
    ],
    [
      'Python, a class',
      'test_a.py',
      `class TestA:\n    # @verifies AC-a\n    # def test_x(self):\n    #     assert 1\n    def test_y(self): assert 1\n`,
      'dangling 3: commented-out code',
    ],
    [
      'Python, deleted at the end of a class',
      'test_a.py',
      `class TestA:\n    def test_y(self): assert 1\n    # @verifies AC-a\nclass TestB:\n    def test_z(self): assert 1\n`,
      'dangling 4: nothing follows it here',
    ],
    [
      'Python, at the end of the file',
      'test_a.py',
      `${NEIGHBOUR.py}\n# @verifies AC-a\n`,
      'dangling 4: nothing follows it here',
    ],
    [
      'Rust',
      'tests/a.rs',
      `use a::b;\n\n// @verifies AC-a\n// #[test]\n// fn refund() {\n//     assert_eq!(1, 1);\n// }\n${NEIGHBOUR.rs}`,
      'dangling 5: commented-out code',
    ],
    [
      'Rust, /* */',
      'tests/a.rs',
      `use a::b;\n\n// @verifies AC-a\n/*\n#[test]\nfn refund() {\n    assert_eq!(1, 1);\n}\n*/\n${NEIGHBOUR.rs}`,
      'dangling 6: commented-out code',
    ],
    [
      'Rust, the tag as well',
      'tests/a.rs',
      `use a::b;\n\n// // @verifies AC-a\n// #[test]\n// fn refund() {}\n${NEIGHBOUR.rs}`,
      'dangling 3: it is commented out itself',
    ],
    [
      'Rust, in a module',
      'src/a.rs',
      `mod tests {\n    // @verifies AC-a\n    // #[test]\n    // fn refund() { assert!(true); }\n    #[test]\n    fn neighbour() { assert!(true); }\n}\n`,
      'dangling 4: commented-out code',
    ],
    [
      'Go',
      'a_test.go',
      `${GO}// @verifies AC-a\n// func TestRefund(t *testing.T) {\n// \tt.Error()\n// }\n${NEIGHBOUR.go}`,
      'dangling 6: commented-out code',
    ],
    [
      'Go, without spaces',
      'a_test.go',
      `${GO}// @verifies AC-a\n//func TestRefund(t *testing.T) {\n//\tt.Error()\n//}\n${NEIGHBOUR.go}`,
      'dangling 6: commented-out code',
    ],
    [
      'Go, a subtest',
      'a_test.go',
      `${GO}func TestA(t *testing.T) {\n\t// @verifies AC-a\n\t// t.Run("x", func(t *testing.T) {\n\t// \tt.Error()\n\t// })\n\tt.Run("y", func(t *testing.T) { t.Error() })\n}\n`,
      'dangling 7: commented-out code',
    ],
    [
      'Java',
      'ATest.java',
      `class ATest {\n  // @verifies AC-a\n  // @Test void refund() { assertEquals(1, 1); }\n  @Test void neighbour() { assertEquals(1, 1); }\n}\n`,
      'dangling 3: commented-out code',
    ],
    [
      'Java, the tag as well',
      'ATest.java',
      `class ATest {\n  // // @verifies AC-a\n  // @Test void refund() {}\n  @Test void neighbour() { assertEquals(1, 1); }\n}\n`,
      'dangling 2: it is commented out itself',
    ],
    ['shell', 'a.sh', `#!/bin/sh\n# # @verifies AC-a\n./run\n`, 'dangling 2: it is commented out itself'],
  ])('%s', async (_, file, source, wanted) => {
    expect(await bound(file, source)).toBe(wanted);
  });
});

// @verifies AC-scan-prose-is-no-code
describe('prose stays prose', () => {
  it.each([
    [
      'a sentence with a call',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// see foo(bar) and it('x') below\n${NEIGHBOUR.ts}`,
      'neighbour',
    ],
    [
      'a call with a function in a sentence',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// on('select', tag => tag) will be called\n${NEIGHBOUR.ts}`,
      'neighbour',
    ],
    [
      'words that are keywords',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// enum values pass; let it be. class of errors, function of time\n// for each one: import order matters\n${NEIGHBOUR.ts}`,
      'neighbour',
    ],
    [
      'a fenced example',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// \`\`\`\n// it('x', () => {});\n// \`\`\`\n${NEIGHBOUR.ts}`,
      'neighbour',
    ],
    [
      'an example in documentation',
      'src/a.ts',
      `/**\n * @implements AC-a\n * @example\n * const cache = make(() => 1);\n */\nexport function make() {}\n`,
      'code make',
    ],
    ['a link and a url', 'a.test.ts', `${TS}\n// https://example.org/1 @verifies AC-a\n${NEIGHBOUR.ts}`, 'neighbour'],
    [
      'a directive',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\n// eslint-disable-next-line no-undef -- it('x')\n${NEIGHBOUR.ts}`,
      'neighbour',
    ],
    [
      'Python',
      'test_a.py',
      `import x\n\n# @verifies AC-a\n# if this is so: import fixtures, with care (see foo(bar)\n${NEIGHBOUR.py}`,
      'test_neighbour',
    ],
    [
      'Python, a commented-out decorator',
      'test_a.py',
      `import x\n\n# @verifies AC-a\n# @pytest.mark.slow\n${NEIGHBOUR.py}`,
      'test_neighbour',
    ],
    [
      'Rust',
      'tests/a.rs',
      `use a::b;\n\n// @verifies AC-a\n// use foo(bar) here, for the struct in mod tests\n// #[ignore]\n${NEIGHBOUR.rs}`,
      'neighbour',
    ],
    [
      'Rust, a doc example',
      'src/a.rs',
      '/// @implements AC-a\n///\n/// ```\n/// fn x() {}\n/// ```\npub fn run() {}\n',
      'code run',
    ],
    ['Go, an example', 'a_test.go', `${GO}// @verifies AC-a\n//\n//\tx := func() {}\n${NEIGHBOUR.go}`, 'TestNeighbour'],
    [
      'Java',
      'ATest.java',
      `class ATest {\n  // @verifies AC-a\n  // the class of errors; see foo(bar)\n  @Test void neighbour() { assertEquals(1, 1); }\n}\n`,
      'ATest::neighbour',
    ],
    ['shell', 'a.sh', `#!/bin/sh\n# @verifies AC-a\n# run it with care\n./run\n`, 'file'],
    [
      'the file, by a tag at its top',
      'a.test.ts',
      `// @verifies AC-a\n\n// prose about this file\n${TS}${NEIGHBOUR.ts}`,
      'file',
    ],
    [
      'attributes and a comment',
      'tests/a.rs',
      `use a::b;\n\n// @verifies AC-a\n// prose\n#[test]\n#[should_panic]\nfn neighbour() { panic!(); }\n`,
      'neighbour',
    ],
    [
      'a loop of tests',
      'a.test.ts',
      `${TS}\n// @verifies AC-a\nfor (const n of [1, 2]) {\n  it(\`n \${n}\`, () => {});\n}\n`,
      'n ${n}',
    ],
  ])('%s', async (_, file, source, wanted) => {
    expect(await bound(file, source)).toBe(wanted);
  });
});

// @verifies AC-scan-possible-test
describe('a call that is not understood', () => {
  it.each([
    [
      'of a package',
      `import { prop } from 'props';\n${TS}\n// @verifies AC-a\nprop('adds', [], () => {});\n${NEIGHBOUR.ts}`,
      '5 adds (possible)',
    ],
    [
      'of an object',
      `import { tester } from 'bdd';\n${TS}\n// @verifies AC-a\ntester.check('adds', () => {});\n${NEIGHBOUR.ts}`,
      '5 adds (possible)',
    ],
    [
      'in a suite',
      `import { scenario } from 'bdd';\n${TS}describe('s', () => {\n  // @verifies AC-a\n  scenario('pays', async () => {});\n  ${NEIGHBOUR.ts}});\n`,
      '5 s > pays (possible)',
    ],
  ])('%s', async (_, source, wanted) => {
    const found = await analysed('a.test.ts', source);
    const [link] = found.links;
    const test = found.tests.find(
      ({ line, selector }) =>
        link?.binds.kind === 'test' && link.binds.line === line && link.binds.selector === selector,
    );
    expect(`${test?.line} ${test?.path.join(' > ')} (${test?.possible === true ? 'possible' : 'known'})`).toBe(wanted);
  });
});

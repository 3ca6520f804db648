/**
 * The corpus of mistakes with tags: commented-out, deleted and not understood tests, by language. One project, one `verify --all`;
 * a wrong row is a neighbour's pass that was taken, or a test that was not believed although it ran.
 */
import { expect, it } from 'vitest';
import { judge, mistakesProject, wrongRows, type Mistake } from './rig.js';

const NODE = "import test, { describe } from 'node:test';\nimport assert from 'node:assert/strict';\n\n";
const node = (id: string, tried: string, body: string, wanted: Mistake['wanted']): Mistake => ({
  id,
  tried,
  files: { [`test/${id}.test.mjs`]: `${NODE}${body.replaceAll('AC-x', `AC-${id}`)}` },
  wanted,
});
const python = (id: string, tried: string, body: string, wanted: Mistake['wanted']): Mistake => ({
  id,
  tried,
  files: { [`tests/test_${id}.py`]: body.replaceAll('AC-x', `AC-${id}`) },
  wanted,
});

const OTHER = "test('a neighbour', () => { assert.equal(2, 2); });\n";
const DANGLING = 'ERROR(dangling-tag)';

const ROWS: readonly Mistake[] = [
  node(
    'n14',
    'commented out with //, the tag too',
    `// // @verifies AC-x\n// test('refund', () => { assert.equal(refund(), 1); });\n${OTHER}`,
    DANGLING,
  ),
  node(
    'v03',
    'commented out with //',
    `// @verifies AC-x\n// test('refund', () => { assert.ok(0); });\n${OTHER}`,
    DANGLING,
  ),
  node('v04', 'commented out with /* */', `/*\n// @verifies AC-x\ntest('refund', () => {});\n*/\n${OTHER}`, DANGLING),
  node('s01', 'deleted', `// @verifies AC-x\n\n${OTHER}`, DANGLING),
  node('s02', 'the last of a suite deleted', `describe('s', () => {\n  ${OTHER}  // @verifies AC-x\n});\n`, DANGLING),
  node(
    's03',
    'commented out at the top of a suite',
    `describe('s', () => {\n  // @verifies AC-x\n  // test('a', () => {});\n  ${OTHER}});\n`,
    DANGLING,
  ),
  node(
    's04',
    "a package's function that declares no test",
    `const prop = (title, run) => [title, run].length;\n// @verifies AC-x\nprop('adds', () => {});\n${OTHER}`,
    ['ERROR(not-found)', DANGLING],
  ),
  node(
    's05',
    'prose between tag and test',
    `// @verifies AC-x\n// see foo(bar); it's (really\n${OTHER}`,
    'PASS(executed)',
  ),
  node(
    's06',
    'one sound and one dangling link',
    `// @verifies AC-x\n${OTHER}\n// @verifies AC-x\n// test('b', () => {});\n`,
    DANGLING,
  ),
  node(
    's07',
    'a loop of tests',
    `// @verifies AC-x\nfor (const n of [1, 2]) test('same', () => { assert.ok(n); });\n`,
    'PASS(executed)',
  ),
  python(
    'p08',
    'commented out',
    `import os\n\n# @verifies AC-x\n# def test_refund():\n#     assert 0\ndef test_neighbour():\n    assert 1\n`,
    DANGLING,
  ),
  python(
    's08',
    'a string as a comment',
    `import os\n\n# @verifies AC-x\n"""\ndef test_refund():\n    assert 0\n"""\ndef test_neighbour():\n    assert 1\n`,
    DANGLING,
  ),
  python(
    's09',
    'deleted from a class',
    `class TestA:\n    # @verifies AC-x\n\n    def test_b(self):\n        assert 1\n`,
    DANGLING,
  ),
  python(
    's10',
    'a commented-out decorator',
    `import os\n\n# @verifies AC-x\n# @pytest.mark.skip\ndef test_a():\n    assert 1\n`,
    'PASS(executed)',
  ),
  python(
    's11',
    'the whole file, by its top',
    `# @verifies AC-x\n\nimport os\n\n\ndef test_a():\n    assert 1\n`,
    'PASS(executed)',
  ),
  {
    id: 'g22',
    tried: 'commented-out Go test',
    files: {
      'go.mod': 'module example.org/a\n\ngo 1.21\n',
      'a_test.go':
        'package a\n\nimport "testing"\n\n// @verifies AC-g22\n// func TestRefund(t *testing.T) {\n// \tt.Error()\n// }\nfunc TestNeighbour(t *testing.T) { t.Log() }\n',
    },
    wanted: DANGLING,
  },
  {
    id: 'c08',
    tried: 'commented-out Rust test',
    files: {
      'Cargo.toml': '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/lib.rs':
        '// @verifies AC-c08\n// #[test]\n// fn refund() { assert!(false); }\n#[test]\nfn neighbour() { assert!(true); }\n',
    },
    wanted: DANGLING,
  },
  {
    id: 's12',
    tried: 'a misspelt link beside an each that can become something else',
    files: {
      'test/s12.test.mjs': `${NODE}for (const n of [1]) test(\`case \${n}\`, () => { assert.ok(n); });\n`,
    },
    link: '{ test: "test/s12.test.mjs > csae 1" }',
    wanted: ['ERROR(not-found)', 'ERROR(dangling-link)'],
  },
];

// @verifies AC-scan-very-next
it('no neighbour vouches for a test that is commented out, deleted or not understood', async () => {
  const project = await mistakesProject(ROWS, {
    'package.json': '{"name":"m","private":true,"type":"module","scripts":{"test":"node --test"}}\n',
  });
  expect(wrongRows(ROWS, await judge(project))).toEqual([]);
}, 240_000);

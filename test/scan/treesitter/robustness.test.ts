import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Language } from '../../../src/scan/language.js';
import { go, java, python, rust, shell } from '../../../src/scan/treesitter/index.js';
import { find } from './rig.js';

const LANGUAGES: readonly (readonly [Language, string, readonly string[]])[] = [
  [
    rust,
    'src/a.rs',
    [
      '#[test]',
      'fn a()',
      '{',
      '}',
      'mod m',
      'proptest!',
      '/// ```\n',
      '//! Verifies: AC-a\n',
      '"',
      'r#"',
      '/*',
      '*/',
      'assert!(',
      ')',
      '#',
      '\n',
      'return;',
      'impl X',
    ],
  ],
  [
    python,
    'test_a.py',
    [
      'def test_a():',
      '\n',
      '    ',
      'class TestA(',
      'TestA):',
      '"""',
      '# @verifies AC-a\n',
      '@pytest.mark.verifies(',
      '"AC-a")',
      'f"{',
      '}"',
      'pass',
      'if x:',
      'pytestmark = ',
      '[',
      ']',
      '\\',
    ],
  ],
  [
    go,
    'a_test.go',
    [
      'package a\n',
      'func TestA(t *testing.T)',
      '{',
      '}',
      't.Run(',
      '"x"',
      ', func(t *testing.T) {',
      ')',
      '`',
      '// @verifies AC-a\n',
      'const x = ',
      '"\\x',
      '\n',
      '// Output:\n',
    ],
  ],
  [
    java,
    'ATest.java',
    [
      'class A',
      '{',
      '}',
      '@Test',
      'void a()',
      '@Tag("AC-a")',
      '"""',
      '/** @verifies AC-a */',
      '@',
      '(',
      ')',
      ';',
      '\n',
    ],
  ],
  [shell, 'a.sh', ['# @verifies AC-a\n', 'f() {', '}', '<<EOF\n', 'EOF\n', '"', "'", '$(', ')', 'if', 'fi', '\n', '`']],
];

/** What is wrong with the answer for a file: positions outside it, ends before starts. */
const faults = async (language: Language, file: string, bytes: Buffer): Promise<readonly unknown[]> => {
  const found = await find(language, file, bytes);
  const lineCount = bytes.toString('utf8').split('\n').length;
  const misplaced = [...found.tests, ...found.links, ...found.problems].filter(
    (place) => place.file !== file || place.line < 1 || place.line > lineCount || place.column < 1,
  );
  return [...misplaced, ...found.tests.filter((test) => test.endLine < test.line)];
};

// @verifies AC-scan-languages-never-throws
describe('whatever the bytes', () => {
  it.each(LANGUAGES.map(([language, file]) => [language.name, language, file] as const))(
    '%s answers on random bytes',
    async (_name, language, file) => {
      await expect(
        fc.assert(
          fc.asyncProperty(
            fc.uint8Array({ maxLength: 400 }),
            async (bytes) => (await faults(language, file, Buffer.from(bytes))).length === 0,
          ),
          { numRuns: 60 },
        ),
      ).resolves.toBeUndefined();
    },
  );

  it.each(LANGUAGES.map(([language, file, pieces]) => [language.name, language, file, pieces] as const))(
    '%s answers on pieces of its own source',
    async (_name, language, file, pieces) => {
      const source = fc.array(
        fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...pieces) }, fc.string({ maxLength: 6, unit: 'grapheme' })),
        { maxLength: 40 },
      );
      await expect(
        fc.assert(
          fc.asyncProperty(
            source,
            async (parts) => (await faults(language, file, Buffer.from(parts.join(' ')))).length === 0,
          ),
          { numRuns: 150 },
        ),
      ).resolves.toBeUndefined();
    },
  );

  it.each([
    ['rust', rust, 'a.rs', `#[test] fn a() { ${'('.repeat(20_000)}${')'.repeat(20_000)}; assert!(x) }`],
    ['python', python, 'test_a.py', `def test_a():\n  x = ${'['.repeat(5_000)}${']'.repeat(5_000)}\n  assert x\n`],
    [
      'go',
      go,
      'a_test.go',
      `package a\nfunc TestA(t *testing.T) { x := ${'('.repeat(20_000)}1${')'.repeat(20_000)}; t.Error(x) }`,
    ],
    [
      'java',
      java,
      'ATest.java',
      `class A { @Test void a() { x = ${'('.repeat(20_000)}1${')'.repeat(20_000)}; fail(); } }`,
    ],
    ['rust modules', rust, 'a.rs', `${'mod m {'.repeat(3_000)} #[test] fn a() {} ${'}'.repeat(3_000)}`],
  ] as const)('deep nesting: %s', async (_name, language, file, source) =>
    expect(await faults(language, file, Buffer.from(source))).toEqual([]),
  );

  it('says so when a file is too large to be source', async () => {
    const found = await find(python, 'test_a.py', Buffer.alloc(2 * 1024 * 1024 + 1, 0x23));
    expect(found.problems[0]?.message).toContain('larger than 2 MiB');
  });

  it('gives the same answer every time, also after a file that broke', async () => {
    const source = '#[test] fn a() { assert!(true) }';
    const before = await find(rust, 'a.rs', source);
    await find(rust, 'a.rs', Buffer.from([0xff, 0xfe, 0x00, 0x7b]));
    expect(await find(rust, 'a.rs', source)).toEqual(before);
  });
});

// @verifies AC-scan-languages-prefilter
describe('the byte prefilter', () => {
  it.each([
    ['Rust doc comment', rust, 'a.rs', '/// Verifies: AC-a\n#[test] fn a() {}'],
    ['Rust comment', rust, 'a.rs', '// @implements AC-a\nfn test() {}'],
    ['Python mark', python, 'test_a.py', '@m.verifies("AC-a")\ndef test_a(): pass'],
    ['Go comment', go, 'a_test.go', '// @verifies AC-a\nfunc TestA(t *testing.T) {}'],
    ['Java tag', java, 'A.java', 'class A { @Tag("AC-a") @Test void a() {} }'],
    ['shell comment', shell, 'a.sh', '# @verifies AC-a'],
  ] as const)('lets a link and a test through: %s', (_name, language, file, source) => {
    expect(language.mentions(Buffer.from(source))).toBe(true);
    expect(language.mayHoldTests?.(file, Buffer.from(source))).toBe(true);
  });

  it('keeps out what holds none', () => {
    for (const language of [rust, python, go, java, shell])
      expect(language.mentions(Buffer.from('fn main() {}'))).toBe(false);
  });
});

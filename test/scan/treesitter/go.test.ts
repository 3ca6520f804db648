import { describe, expect, it } from 'vitest';
import { go } from '../../../src/scan/treesitter/index.js';
import { find, linkLines, selectors, testLines, testNamed } from './rig.js';

const HEAD = 'package a\n\nimport "testing"\n';

// @verifies AC-scan-languages-go-tests
describe('tests', () => {
  it('finds tests, fuzz tests and examples with output', async () => {
    const found = await find(
      go,
      'pkg/a_test.go',
      `${HEAD}
      func TestOne(t *testing.T) { t.Error() }
      func Test(t *testing.T) { t.Error() }
      func Test_low(t *testing.T) { t.Error() }
      func Testlow(t *testing.T) { t.Error() }
      func TestMain(m *testing.M) {}
      func TestNone() {}
      func BenchmarkA(b *testing.B) { b.Error() }
      func FuzzA(f *testing.F) { f.Fuzz(func(t *testing.T, a int) { t.Error() }) }
      func ExampleA() { fmt.Println(1)
        // first
        // no
        fmt.Println(2)
        // Output:
        // 1 2
      }
      func ExampleB() { // Unordered output: x
      }
      func ExampleD() {
        run() // behind code
        // Output: x
      }
      func ExampleC() { fmt.Println(1) }
      func (s *Suite) TestMethod(t *testing.T) { t.Error() }
    `,
    );
    expect(testLines(found)).toEqual([
      'case TestOne',
      'case Test',
      'case Test_low',
      'case FuzzA parametrised',
      'case ExampleA',
      'case ExampleB',
      'case ExampleD',
    ]);
    expect((await find(go, 'pkg/a.go', `${HEAD}func TestOne(t *testing.T) { t.Error() }`)).tests).toEqual([]);
  });

  it('finds methods of a testify suite below each function that runs it, and no others', async () => {
    const found = await find(
      go,
      'a_test.go',
      `package a
      import ( "testing"; tf "github.com/stretchr/testify/suite" )
      type A struct { tf.Suite }
      type B[T any] struct { tf.Suite }
      // @verifies AC-a
      func (a *A) TestX() { a.Run("sub", func() { a.True(false) }) }
      // @verifies AC-none
      func (a *A) Other() {}
      func (b *B[T]) TestX() { b.T().Skip() }
      func TestOne(t *testing.T) { tf.Run(t, new(A)); other.Run(t, new(B[int])) }
      func TestTwo(t *testing.T) { t.Run("in", func(t *testing.T) { var a A; tf.Run(t, &a) }) }
      func TestThree(t *testing.T) { b := &B[int]{}; tf.Run(t, b) }
      func TestUnknown(t *testing.T) { tf.Run(t, makeIt()); b := new(A); b = c; tf.Run(t, b) }
      func TestHidden(t *testing.T) { type A struct{ B[int] }; tf.Run(t, new(A)) }
    `,
    );
    expect(selectors(found).toSorted()).toEqual([
      'TestHidden',
      'TestOne',
      'TestOne/TestX',
      'TestOne/TestX/sub',
      'TestThree',
      'TestThree/TestX',
      'TestTwo',
      'TestTwo/in',
      'TestTwo/in/TestX',
      'TestTwo/in/TestX/sub',
      'TestUnknown',
    ]);
    expect(testNamed(found, 'TestThree/TestX').skip).toBe('skip');
    expect(linkLines(found)).toEqual([
      'verifies AC-a -> test TestOne/TestX',
      'verifies AC-a -> test TestTwo/in/TestX',
      'verifies AC-none -> code A.Other',
    ]);
  });

  it('finds subtests with constant titles; others are part of the test around them', async () => {
    const found = await find(
      go,
      'a_test.go',
      `${HEAD}
      const shared, other = "shared", "x"
      func TestA(t *testing.T) {
        const local = shared + " " + \`raw\`
        t.Run("with spaces", func(t *testing.T) {
          t.Run("inner/slash", func(tt *testing.T) { tt.Fatal() })
        })
        t.Run(local, func(t *testing.T) { t.Error() })
        t.Run("say \\"hi\\"\\u00e9", check)
        if x { t.Run("maybe", func(t *testing.T) { t.Error() }) }
        for _, c := range cases { t.Run(c.name, func(t *testing.T) { t.Error() }); t.Run("again", func(t *testing.T) {}) }
        t.Run(fmt.Sprintf("%d", 1), func(t *testing.T) { t.Error() })
        t.Run("", func(t *testing.T) {})
        other.Run("not a test", func(t *testing.T) {})
      }
    `,
    );
    expect(testLines(found)).toEqual([
      'case TestA parametrised',
      'case TestA/with spaces parametrised',
      'case TestA/with spaces/inner/slash',
      'case TestA/shared raw',
      'case TestA/say "hi"é hollow?',
      'case TestA/maybe conditional',
    ]);
    expect(testNamed(found, 'TestA/with spaces/inner/slash').path).toEqual(['TestA', 'with spaces', 'inner/slash']);
  });

  it('marks what skips itself and what is built under a condition', async () => {
    const found = await find(
      go,
      'a_test.go',
      `${HEAD}
      func TestSkip(t *testing.T) { t.Skip("no"); t.Error() }
      func TestShort(t *testing.T) { if testing.Short() { t.SkipNow() }; t.Error() }
      func TestSub(t *testing.T) { t.Run("a", func(t *testing.T) { t.Skipf("no") }); t.Error() }
      func TestAll(t *testing.T) { t.Skip(); t.Run("a", func(t *testing.T) { t.Error() }) }
    `,
    );
    expect(testLines(found)).toEqual([
      'case TestSkip skip',
      'case TestShort conditional',
      'case TestSub parametrised',
      'case TestSub/a skip hollow',
      'case TestAll skip parametrised',
      'case TestAll/a skip',
    ]);
    const one = 'func TestA(t *testing.T) { t.Error() }';
    expect(testLines(await find(go, 'a_test.go', `//go:build linux && cgo\n\n${HEAD}${one}`))).toEqual([
      'case TestA conditional',
    ]);
    expect(testLines(await find(go, 'a_windows_test.go', `${HEAD}${one}`))).toEqual(['case TestA conditional']);
    expect(testLines(await find(go, 'a_test.go', `${HEAD}//go:build linux\n${one}`))).toEqual(['case TestA']);
  });
});

describe('links', () => {
  // @verifies AC-scan-languages-comment-tags
  it('binds comments to tests and subtests', async () => {
    const found = await find(
      go,
      'a_test.go',
      `// Package a.
// @verifies AC-file
package a

import "testing"

// TestA does.
// @verifies AC-a, AC-b
func TestA(t *testing.T) {
  // @verifies AC-sub
  t.Run("sub", func(t *testing.T) {
    // @verifies AC-in
    t.Error()
  })
  // @verifies AC-loop
  for _, c := range cases {
    // @verifies AC-dynamic
    t.Run(c.name, func(t *testing.T) { t.Error() })
  }
  // @verifies AC-far
  run()
  t.Run("last", func(t *testing.T) { t.Error() })
  // @verifies AC-end
}

/* @verifies AC-c */ func TestB(t *testing.T) { t.Error() } // @verifies AC-d

// @implements AC-e
func (s *Store) Get() {}

// @implements AC-f
type Store struct{}
`,
    );
    expect(linkLines(found)).toEqual([
      'verifies AC-file -> file',
      'verifies AC-a -> test TestA',
      'verifies AC-b -> test TestA',
      'verifies AC-sub -> test TestA/sub',
      'verifies AC-in -> test TestA/sub',
      'verifies AC-loop -> test TestA',
      'verifies AC-dynamic -> test TestA',
      'verifies AC-far -> test TestA',
      'verifies AC-end -> test TestA',
      'verifies AC-c -> test TestB',
      'verifies AC-d -> test TestB',
      'implements AC-e -> code Store.Get',
      'implements AC-f -> code Store',
    ]);
  });

  // @verifies AC-scan-languages-only-comments
  it('does not take tags from strings', async () => {
    const found = await find(
      go,
      'a_test.go',
      `${HEAD}var a = \`\n// @verifies AC-no\n\`\nfunc TestA(t *testing.T) { s := "// @verifies AC-no"; t.Error(s) }`,
    );
    expect(found.links).toEqual([]);
  });
});

// @verifies AC-scan-languages-hollow
describe('hollow tests', () => {
  const hollow = async (body: string, rest = ''): Promise<boolean | undefined> =>
    testNamed(await find(go, 'a_test.go', `${HEAD}func TestT(t *testing.T) {\n${body}\n}\n${rest}`), 'TestT').hollow;

  it.each([
    't.Error()',
    'if x { t.Fatalf("x") }',
    'require.Equal(t, 1, 2)',
    'is.True(x)',
    'panic(1)',
    'if slow { return }\nt.Fail()',
    't.Run("a", func(t *testing.T) { t.Error() })',
    'MustParse("x")',
  ])('is not %s', async (body) => expect(await hollow(body)).toBe(false));
  it.each(['', 'run()', 'x := 1', 'return\nt.Error()', 't.Log("t.Error()")', 't.Parallel()'])('is %s', async (body) =>
    expect(await hollow(body)).toBe(true),
  );

  it('follows functions of the file, and does not know about others that get t', async () => {
    expect(await hollow('run(t)', 'func run(t *testing.T) { inner(t) }\nfunc inner(t *testing.T) { t.Error() }')).toBe(
      false,
    );
    expect(await hollow('run(t)', 'func run(t *testing.T) {}')).toBe(true);
    expect(await hollow('helpers.Run(1, t)')).toBe(undefined);
    expect(await hollow('run(1)', 'func run(x int) { return; panic(1) }')).toBe(true);
  });
});

// @verifies AC-scan-languages-fingerprint
it('fingerprints ignore comments and formatting, and nothing else', async () => {
  const print = async (body: string): Promise<string> =>
    testNamed(await find(go, 'a_test.go', `${HEAD}func TestA(t *testing.T) {${body}}`), 'TestA').fingerprint;
  const base = await print('\n\tcheck(t, 1, "a b")\n');
  expect(await print('\n  // why\n  check(\n    t,\n    1,\n    "a b",\n  )\n')).toBe(base);
  expect(await print('\n\tcheck(t, 1, "a  b")\n')).not.toBe(base);
  expect(await print('\n\tcheck(t, 2, "a b")\n')).not.toBe(base);
});

// @verifies AC-scan-languages-broken
it('keeps what can be read of a broken file and says where it broke', async () => {
  const found = await find(go, 'a_test.go', `${HEAD}func TestA(t *testing.T) { t.Error() }\nfunc broken( {\n}\n`);
  expect(selectors(found)).toEqual(['TestA']);
  expect(found.problems[0]).toMatchObject({ line: 5 });
});

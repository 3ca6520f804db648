import { describe, expect, it } from 'vitest';
import { rust } from '../../../src/scan/treesitter/index.js';
import { find, linkLines, selectors, testLines, testNamed } from './rig.js';

// @verifies AC-scan-languages-rust-tests
describe('tests', () => {
  it('finds every form that libtest reports, with the modules inside the file', async () => {
    const found = await find(
      rust,
      'src/a.rs',
      `
      #[test] fn plain() { assert!(x()); }
      #[tokio::test(flavor = "multi_thread")] async fn waits() { assert_eq!(1, 1); }
      #[test_log::test] fn logged() { assert_ne!(1, 2); }
      fn helper() {}
      #[bench] fn speed(b: &mut Bencher) {}
      #[cfg(test)]
      mod tests {
        use super::*;
        mod deep { #[test] fn inner() { panic!() } }
        #[rstest] fn fixture(pool: Pool) { assert!(pool.ok()); }
        #[rstest] #[case(1)] #[case::named(2)] fn cases(#[case] n: u8) { assert!(n > 0); }
        #[rstest] fn spread(#[values(1, 2)] n: u8) { assert!(n > 0); }
        #[apply(numbers)] #[rstest] fn reused(n: u8) { assert!(n > 0); }
        #[template] #[rstest] #[case(1)] fn numbers(#[case] n: u8) {}
        #[test_case(1 => 2; "one")] fn table(n: u8) -> u8 { n + 1 }
      }
      mod empty { fn nothing() {} }
    `,
    );
    expect(testLines(found)).toEqual([
      'case plain',
      'case waits',
      'case logged',
      'suite tests',
      'suite tests::deep',
      'case tests::deep::inner',
      'case tests::fixture',
      'case tests::cases parametrised',
      'case tests::spread parametrised',
      'case tests::reused parametrised',
      'case tests::table parametrised',
    ]);
  });

  it('finds the tests of proptest! and none of other macros', async () => {
    const found = await find(
      rust,
      'tests/p.rs',
      `
      proptest! {
        #![proptest_config(ProptestConfig::with_cases(10))]
        /// Verifies: AC-p
        #[test]
        fn holds(x in 0..9, y in any::<u8>()) { prop_assert!(x < 9); }
        #[test] #[ignore] fn later(x in 0..9) { prop_assert!(x < 9); }
        #[test] fn nothing(x in 0..9) { let _ = x; }
        fn strategy(x in 0..9) { prop_assert!(x < 9); }
      }
      macro_rules! make { ($n:ident) => { #[test] fn $n() { assert!(true); } } }
      make!(generated);
    `,
    );
    expect(testLines(found)).toEqual(['case holds', 'case later ignore', 'case nothing hollow']);
    expect(linkLines(found)).toEqual(['verifies AC-p -> test holds']);
  });

  it('marks what is ignored and what hangs on a configuration, also from a module or the file', async () => {
    const found = await find(
      rust,
      'src/a.rs',
      `
      #[test] #[ignore = "slow"] fn ignored() { assert!(true); }
      #[test] #[cfg_attr(miri, ignore)] fn sometimes() { assert!(true); }
      #[test] #[cfg(feature = "net")] fn feature() { assert!(true); }
      #[cfg(all(test, unix))] mod unix { #[test] fn on_unix() { assert!(true); } #[test] #[ignore] fn off() { assert!(true); } }
      #[cfg(test)] mod plain { #[test] fn always() { assert!(true); } }
      #[cfg_attr(feature = "std", test)] fn only_std() { assert!(true); }
    `,
    );
    expect(testLines(found)).toEqual([
      'case ignored ignore',
      'case sometimes conditional',
      'case feature conditional',
      'suite unix conditional',
      'case unix::on_unix conditional',
      'case unix::off ignore',
      'suite plain',
      'case plain::always',
      'case only_std conditional',
    ]);
    const whole = await find(rust, 'tests/a.rs', '#![cfg(feature = "x")]\n#[test] fn a() { assert!(true); }');
    expect(testLines(whole)).toEqual(['case a conditional']);
  });

  it('gives positions from 1, with columns in UTF-16 units', async () => {
    const found = await find(
      rust,
      'a.rs',
      '\uFEFF/* é𝒳 */ #[test]\nfn a() {\n assert!(true)\n}\n/* 𝒳 */ mod m { /* é */ #[test] fn b() { panic!() } }',
    );
    expect(found.tests.map((test) => [test.line, test.column, test.endLine])).toEqual([
      [2, 1, 4],
      [5, 10, 5],
      [5, 34, 5],
    ]);
  });
});

// @verifies AC-scan-languages-rust-doctests
describe('doc tests', () => {
  it('names them as rustdoc does, but for the module path of the file', async () => {
    const found = await find(
      rust,
      'src/lib.rs',
      [
        '//! Crate.',
        '//! ```',
        '//! assert!(true);',
        '//! ```',
        '',
        '/// ```',
        '/// let x = 1;',
        '/// ```',
        'pub fn quiet() {}',
        '',
        'impl<T> Stack<T> {',
        '    /// ```should_panic',
        '    /// run();',
        '    /// ```',
        '    ///',
        '    /// ```text',
        '    /// no',
        '    /// ```',
        '    pub fn push(&self) {}',
        '}',
        'pub mod inner {',
        '    /** block',
        '     * ```rust,ignore',
        '     * x',
        '     * ```',
        '     */',
        '    pub struct S {',
        '        /// ~~~no_run',
        '        /// forever();',
        '        /// ~~~',
        '        pub field: u8,',
        '    }',
        '}',
        '#[cfg(test)]',
        'mod tests {',
        '    /// ```',
        '    /// assert!(true);',
        '    /// ```',
        '    fn helper() {}',
        '}',
      ].join('\n'),
    );
    expect(testLines(found)).toEqual([
      'case doctest::(line 2)',
      'case doctest::quiet (line 6) hollow',
      'case doctest::Stack<T>::push (line 12)',
      'case doctest::inner::S (line 23) ignore hollow',
      'case doctest::inner::S::field (line 28) hollow',
    ]);
    expect(found.tests.every((test) => test.framework === 'doctest')).toBe(true);
  });

  it('looks for none outside libraries', async () => {
    const source = '/// ```\n/// assert!(true);\n/// ```\npub fn a() {}';
    for (const file of ['tests/a.rs', 'src/main.rs', 'src/bin/x.rs', 'examples/e.rs', 'build.rs'])
      expect((await find(rust, file, source)).tests).toEqual([]);
    expect((await find(rust, 'src/a.rs', source, { 'src/main.rs': 'mod a;' })).tests).toEqual([]);
    expect(
      (await find(rust, 'crates/x/src/tests/a.rs', source, { 'crates/x/src/main.rs': '', 'crates/x/src/lib.rs': '' }))
        .tests,
    ).toHaveLength(1);
  });

  it('binds a tag on a documented item to its doc tests, and a tag in a block to that one', async () => {
    const found = await find(
      rust,
      'src/lib.rs',
      [
        '/// Adds.',
        '///',
        '/// Verifies: AC-both',
        '///',
        '/// ```',
        '/// // @verifies AC-first',
        '/// assert!(true);',
        '/// ```',
        '/// ```',
        '/// assert!(true);',
        '/// ```',
        'pub fn add() {}',
      ].join('\n'),
    );
    expect(linkLines(found)).toEqual([
      'verifies AC-both -> test doctest::add (line 5)',
      'verifies AC-both -> test doctest::add (line 9)',
      'verifies AC-first -> test doctest::add (line 5)',
    ]);
  });
});

describe('links', () => {
  // @verifies AC-scan-languages-comment-tags
  // @verifies AC-scan-languages-rust-verifies
  it('binds comments to what follows, over attributes and imports', async () => {
    const found = await find(
      rust,
      'src/a.rs',
      `
      use std::fmt;
      /// Verifies: AC-a, AC-b
      #[test]
      // @verifies AC-c
      #[ignore]
      fn one() { assert!(true); }

      /* @verifies AC-d,
       * AC-e */

      #[test] fn two() { assert!(true); } // @verifies AC-f
      // @verifies AC-m
      mod tests {
        //! @verifies AC-inner
        #[test] fn three() {
          // @verifies AC-g
          assert!(true);
        }
        // @verifies AC-end
      }
      // @implements AC-h, SPEC-i
      pub fn code() {}
      // @implements AC-j
      impl<T> Stack<T> { /** @implements AC-k */ pub fn push() {} }
      // Verifies: AC-no
    `,
    );
    expect(linkLines(found)).toEqual([
      'verifies AC-a -> test one',
      'verifies AC-b -> test one',
      'verifies AC-c -> test one',
      'verifies AC-d -> dangling 11: a blank line ends its reach',
      'verifies AC-e -> dangling 11: a blank line ends its reach',
      'verifies AC-f -> test two',
      'verifies AC-m -> test tests',
      'verifies AC-inner -> test tests',
      'verifies AC-g -> test tests::three',
      'verifies AC-end -> dangling 21: nothing follows it here',
      'implements AC-h -> code code',
      'implements SPEC-i -> code code',
      'implements AC-j -> code Stack',
      'implements AC-k -> code Stack::push',
    ]);
    expect(found.links[1]).toMatchObject({ line: 3, column: 27 });
  });

  // @verifies AC-scan-languages-file-tags
  it('binds what stands at the top to the file, unless it stands directly on a declaration', async () => {
    const test = '#[test] fn a() { assert!(true); }';
    expect(linkLines(await find(rust, 'a.rs', `//! Verifies: AC-a\n${test}`))).toEqual(['verifies AC-a -> file']);
    expect(linkLines(await find(rust, 'a.rs', `// licence\n\n// @verifies AC-a\n\n${test}`))).toEqual([
      'verifies AC-a -> file',
    ]);
    expect(linkLines(await find(rust, 'a.rs', `// @verifies AC-a\nuse x;\n${test}`))).toEqual([
      'verifies AC-a -> file',
    ]);
    expect(linkLines(await find(rust, 'a.rs', `// licence\n\n// @verifies AC-a\n${test}`))).toEqual([
      'verifies AC-a -> test a',
    ]);
    expect(linkLines(await find(rust, 'a.rs', `/// Verifies: AC-a\n\n${test}`))).toEqual([
      'verifies AC-a -> dangling 2: a blank line ends its reach',
    ]);
    expect(linkLines(await find(rust, 'a.rs', `use x;\n// @verifies AC-a\n\n${test}`))).toEqual([
      'verifies AC-a -> dangling 3: a blank line ends its reach',
    ]);
  });

  // @verifies AC-scan-languages-only-comments
  it('does not take tags from strings or from the words of a macro', async () => {
    const found = await find(
      rust,
      'a.rs',
      `
      #[test] fn a() {
        let x = "// @verifies AC-no"; let y = r#"
        /// Verifies: AC-no
        // @verifies AC-no "#; let z = b"@verifies AC-no";
        assert!(x == y);
      }
      const T: &str = "@implements AC-no";
      some_macro! {
        // @verifies AC-macro
        #[test] fn made() {}
      }
      macro_rules! gen { () => { /* @verifies AC-rules */ #[test] fn made() {} } }
    `,
    );
    expect(linkLines(found)).toEqual(['verifies AC-macro -> code some_macro!', 'verifies AC-rules -> code gen']);
  });

  it('takes one tag above proptest! for all its tests', async () => {
    const found = await find(
      rust,
      'a.rs',
      'use x;\n// @verifies AC-a\nproptest! { #[test] fn a(x in 0..1) { assert!(x<1) } #[test] fn b(x in 0..1) { assert!(x<1) } }',
    );
    expect(linkLines(found)).toEqual(['verifies AC-a -> test a', 'verifies AC-a -> test b']);
  });
});

// @verifies AC-scan-languages-hollow
describe('hollow tests', () => {
  const hollow = async (body: string, rest = ''): Promise<boolean | undefined> =>
    testNamed(await find(rust, 'a.rs', `#[test] fn t() ${body.startsWith('->') ? body : `{ ${body} }`}\n${rest}`), 't')
      .hollow;

  it.each([
    'assert!(x)',
    'debug_assert_eq!(a, b)',
    'panic!("no")',
    'foo().unwrap();',
    'foo().expect("x");',
    'unreachable!()',
    'insta::assert_snapshot!(x)',
    'match x { 1 => {}, _ => assert!(false) }',
    'let f = || x.unwrap(); f();',
    'vec.iter().for_each(|v| assert!(*v))',
    'cmd.assert().success();',
    'if slow { return; } assert!(x)',
    'helpers::check_page(x)',
    'select! { v = rx => assert!(v) }',
    '-> Result<(), E> { foo()?; Ok(()) }',
    '-> Result<(), E> { foo() }',
    '-> Result<(), E> { return foo(); }',
    '-> Result<(), E> { if bad { return Err(e); } Ok(()) }',
  ])('is not %s', async (body) => expect(await hollow(body)).toBe(false));

  it.each([
    '',
    'let x = compute();',
    'println!("{}", x);',
    'return; assert!(x)',
    'let _ = foo(); return; assert!(x)',
    '-> Result<(), E> { return Ok(()); assert!(x) }',
    '-> Result<(), E> { Ok(()) }',
    'let s = "assert!(x)"; /* assert!(x) */',
  ])('is %s', async (body) => expect(await hollow(body)).toBe(true));

  it('follows calls into functions and macros of the file', async () => {
    expect(await hollow('run(1)', 'fn run(x: u8) { inner(x) } fn inner(x: u8) { assert!(x > 0) }')).toBe(false);
    expect(await hollow('run(1)', 'fn run(x: u8) { run(x) }')).toBe(true);
    expect(await hollow('check(1)', 'fn check(x: u8) { let _ = x; }')).toBe(true);
    expect(await hollow('run(1)', 'fn run(x: u8) { return; assert!(x > 0) }')).toBe(true);
    expect(await hollow('same!(1, 1)', 'macro_rules! same { ($a:expr, $b:expr) => { assert_eq!($a, $b) } }')).toBe(
      false,
    );
    expect(await hollow('with(checker)', 'fn checker() { assert!(true) }')).toBe(false);
  });

  it('takes should_panic for an assertion', async () => {
    expect(
      testNamed(await find(rust, 'a.rs', '#[test] #[should_panic(expected = "x")] fn t() { run(); }'), 't').hollow,
    ).toBe(false);
  });
});

describe('fingerprints', () => {
  const print = async (source: string): Promise<string> => testNamed(await find(rust, 'a.rs', source), 't').fingerprint;

  // @verifies AC-scan-languages-fingerprint
  it('ignores comments and formatting, and nothing else', async () => {
    const base = await print('#[test] fn t() { assert_eq!(add(1, 2), "a b"); }');
    expect(base).toMatch(/^[0-9a-f]{64}$/u);
    expect(
      await print(
        '/// Verifies: AC-x\n#[test]\nfn t()\n{\n  // why\n  assert_eq!(\n    add(1, 2),\n    "a b",\n  );\n}',
      ),
    ).toBe(base);
    expect(await print('#[test] fn t() { assert_eq!(add(1, 2), "a  b"); }')).not.toBe(base);
    expect(await print('#[test] fn t() { assert_eq!(add(1, 3), "a b"); }')).not.toBe(base);
    expect(await print('#[test] #[ignore] fn t() { assert_eq!(add(1, 2), "a b"); }')).not.toBe(base);
  });
});

describe('symbols and broken files', () => {
  // @verifies AC-scan-languages-symbols
  it('names what implemented_by may name', async () => {
    const found = await find(
      rust,
      'a.rs',
      'const N: u8 = 1; enum E { A, B } trait T { fn f(); } impl<X> T for S<X> { fn f() {} } mod m { pub fn g() {} } macro_rules! mk { () => {} } type A = u8; static Z: u8 = 1; union U { a: u8 }',
    );
    const names = found.symbols.map((symbol) => symbol.name);
    for (const name of ['N', 'E', 'E::A', 'T', 'T::f', 'S', 'S::f', 'm', 'm::g', 'mk', 'A', 'Z', 'U', 'U::a'])
      expect(names).toContain(name);
  });

  // @verifies AC-scan-languages-broken
  it('keeps what can be read of a broken file and says where it broke', async () => {
    const found = await find(
      rust,
      'a.rs',
      '#[test] fn a() { assert!(true); }\nfn broken( {\n#[test] fn b() { assert!(true); }\n',
    );
    expect(selectors(found)).toContain('a');
    expect(found.problems.length).toBeGreaterThan(0);
    expect(found.problems[0]).toMatchObject({
      file: 'a.rs',
      line: expect.any(Number),
      message: expect.stringContaining('syntax error'),
    });
  });
});

import { expect, it } from 'vitest';
import { java } from '../../../src/scan/treesitter/index.js';
import { find, linkLines, selectors, testLines, testNamed } from './rig.js';

const FILE = 'src/test/java/ATest.java';

// @verifies AC-scan-languages-java-tests
it('finds JUnit tests in classes and nested classes', async () => {
  const found = await find(
    java,
    FILE,
    `
    package a;
    import org.junit.jupiter.api.*;
    class ATest {
      @Test void one() { assertEquals(1, 2); }
      @org.junit.jupiter.api.Test void full() { assertTrue(x); }
      @ParameterizedTest @ValueSource(ints = {1, 2}) void many(int x) { assertThat(x).isOne(); }
      @RepeatedTest(3) void again() { fail(); }
      @TestFactory Stream<DynamicTest> made() { return check(); }
      @Disabled("x") @Test void off() { fail(); }
      @EnabledOnOs(LINUX) @Test void here() { fail(); }
      @Ignore @Test(expected = Boom.class) public void old() { run(); }
      @BeforeEach void setUp() {}
      void helper() { assertTrue(x); }
      @Test void viaHelper() { helper(); }
      @Test void nothing() { run(); }
      @Test void early() { if (x) return; fail(); }
      @Test void dead() { return; fail(); }
      @Test void thrown() { throw new AssertionError(); }
      @Nested class Inner { @Test void deep() { fail(); } }
      @Disabled @Nested class Off { @Test void deep() { fail(); } }
    }
    class Plain { void a() {} }
  `,
  );
  expect(testLines(found)).toEqual([
    'suite ATest',
    'case ATest::one',
    'case ATest::full',
    'case ATest::many parametrised',
    'case ATest::again parametrised',
    'case ATest::made parametrised',
    'case ATest::off skip',
    'case ATest::here conditional',
    'case ATest::old ignore',
    'case ATest::viaHelper',
    'case ATest::nothing hollow',
    'case ATest::early',
    'case ATest::dead hollow',
    'case ATest::thrown',
    'suite ATest::Inner',
    'case ATest::Inner::deep',
    'suite ATest::Off skip',
    'case ATest::Off::deep skip',
  ]);
  expect(new Set(found.tests.map((test) => test.framework))).toEqual(new Set(['junit']));
});

// @verifies AC-scan-languages-java-tag
// @verifies AC-scan-languages-comment-tags
it('reads @Tag on methods and classes, and comments', async () => {
  const found = await find(
    java,
    FILE,
    `
    package a;
    /** @verifies AC-class */
    @Tag("AC-a") @Tags({@Tag("AC-b"), @Tag("slow")})
    class ATest {
      @Test @Tag("AC-c") void one() { fail(); }
      // @verifies AC-d, AC-e
      @Test void two() { fail(); /* @verifies AC-f */ }
      String text = "// @verifies AC-no"; String block = """
        /* @verifies AC-no */ """;
      /** @implements AC-g */
      void code() {}
    }
  `,
  );
  expect(linkLines(found)).toEqual([
    'verifies AC-class -> test ATest',
    'verifies AC-a -> test ATest',
    'verifies AC-b -> test ATest',
    'verifies AC-c -> test ATest::one',
    'verifies AC-d -> test ATest::two',
    'verifies AC-e -> test ATest::two',
    'verifies AC-f -> test ATest::two',
    'implements AC-g -> code ATest.code',
  ]);
});

// @verifies AC-scan-languages-fingerprint
it('fingerprints ignore comments, formatting and tags, and nothing else', async () => {
  const print = async (method: string): Promise<string> =>
    testNamed(await find(java, FILE, `class ATest { ${method} }`), 'ATest::a').fingerprint;
  const base = await print('@Test void a() { assertEquals("a b", x); }');
  expect(await print('@Tag("AC-a")\n@Test\nvoid a() {\n  // why\n  assertEquals("a b",\n    x);\n}')).toBe(base);
  expect(await print('@Test void a() { assertEquals("a  b", x); }')).not.toBe(base);
});

// @verifies AC-scan-languages-broken
it('keeps what can be read of a broken file', async () => {
  const found = await find(
    java,
    FILE,
    'class ATest { @Test void a() { fail(); } @Test void b( { } @Test void c() { fail(); } }',
  );
  expect(selectors(found)).toContain('ATest::a');
  expect(found.problems.length).toBeGreaterThan(0);
});

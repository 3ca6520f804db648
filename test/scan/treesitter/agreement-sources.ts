/**
 * Sources that the real tools are asked about. They use every form whose name the tools make up by a rule of their own.
 */
export const RUST_FILES: Readonly<Record<string, string>> = {
  'Cargo.toml':
    '[package]\nname = "sample"\nversion = "0.1.0"\nedition = "2021"\n\n[features]\nextra = []\n\n[workspace]\n',
  'src/lib.rs': `//! A crate.
//!
//! \`\`\`
//! assert_eq!(sample::add(1, 2), 3);
//! \`\`\`
pub mod shapes;
mod deep;

/// Adds.
///
/// \`\`\`
/// assert_eq!(sample::add(1, 2), 3);
/// \`\`\`
///
/// \`\`\`text
/// not code
/// \`\`\`
///
/// \`\`\`no_run
/// loop {}
/// \`\`\`
#[inline]
pub fn add(a: u8, b: u8) -> u8 { a + b }

/** Multiplies.

\`\`\`
assert_eq!(sample::twice(2), 4);
\`\`\`
*/
pub fn twice(a: u8) -> u8 { a * 2 }

macro_rules! make { ($n:ident) => { fn $n() {} } }
make!(generated);

#[cfg(test)]
mod tests {
    use super::*;
    mod inner { #[test] fn deep_one() { assert!(true); } }
    #[test] fn adds() { assert_eq!(add(1, 2), 3); generated(); }
    #[test] #[ignore] fn later() { assert_eq!(add(1, 2), 3); }
    #[test] #[should_panic] fn panics() { panic!() }
    #[test] fn r#match() -> Result<(), String> { Ok(()) }
    #[cfg(not(feature = "extra"))] #[test] fn plain() { assert!(true); }
    /// \`\`\`
    /// not_compiled();
    /// \`\`\`
    #[allow(dead_code)] fn helper() {}
}
`,
  'src/shapes.rs': `//! Shapes.
//! \`\`\`
//! let s = sample::shapes::Stack::<u8>::new();
//! assert_eq!(s.len(), 0);
//! \`\`\`

/// A stack.
/// \`\`\`
/// assert!(true);
/// \`\`\`
pub struct Stack<T> {
    /// Items.
    /// \`\`\`
    /// assert!(true);
    /// \`\`\`
    pub items: Vec<T>,
}

impl<T> Stack<T> {
    /// \`\`\`
    /// assert_eq!(sample::shapes::Stack::<u8>::new().len(), 0);
    /// \`\`\`
    pub fn new() -> Self { Stack { items: Vec::new() } }
    /// \`\`\`should_panic
    /// panic!();
    /// \`\`\`
    pub fn len(&self) -> usize { self.items.len() }
}

/// \`\`\`ignore
/// later();
/// \`\`\`
pub trait Area {
    /// \`\`\`compile_fail
    /// nothing();
    /// \`\`\`
    fn area(&self) -> f64;
}

impl<T> Area for Stack<T> {
    /// \`\`\`rust
    /// assert!(true);
    /// \`\`\`
    fn area(&self) -> f64 { 0.0 }
}

/// \`\`\`
/// assert!(true);
/// \`\`\`
pub enum Kind {
    /// ~~~
    /// assert!(true);
    /// ~~~
    Round,
}

/// \`\`\`
/// assert!(true);
/// \`\`\`
pub const SIDES: u8 = 4;

#[test]
fn at_top() { assert_eq!(SIDES, 4); }
`,
  'src/deep/mod.rs': 'mod leaf;\n\n#[test]\nfn in_mod_file() { assert!(true); }\n',
  'src/deep/leaf.rs': '#[cfg(test)]\nmod tests {\n    #[test]\n    fn in_leaf() { assert!(true); }\n}\n',
  'tests/whole.rs':
    '#[test]\nfn outside() { assert_eq!(sample::add(1, 1), 2); }\nmod part { #[test] fn inside() { assert!(true); } }\n',
};

export const RUST_CRATES: Readonly<Record<string, string>> = {
  'Cargo.toml': `[package]
name = "crates"
version = "0.1.0"
edition = "2021"

[profile.dev]
debug = 0
incremental = false

[dev-dependencies]
rstest = { version = "0.26", default-features = false }
test-case = "3"
proptest = { version = "1", default-features = false, features = ["std"] }

[workspace]
`,
  'src/lib.rs': `#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::{fixture, rstest};
    use test_case::test_case;

    #[fixture] fn base() -> u8 { 1 }
    #[rstest] fn plain(base: u8) { assert_eq!(base, 1); }
    #[rstest] #[case(1)] #[case::named(2)] fn cases(#[case] n: u8) { assert!(n > 0); }
    #[rstest] fn spread(#[values(1, 2)] n: u8) { assert!(n > 0); }
    #[rstest] #[case(1)] fn both(#[case] a: u8, #[values(1, 2)] b: u8) { assert!(a + b > 0); }
    #[test_case(1, 2; "ordered")] #[test_case(3, 4)] fn table(a: u8, b: u8) { assert!(a < b); }
    #[test_case(2 => 4)] fn gives(a: u8) -> u8 { a * 2 }
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]
        #[test] fn holds(x in 0u8..9) { prop_assert!(x < 9); }
        /// Documented.
        #[test]
        #[ignore]
        fn later(x in 0u8..9, y in any::<u8>()) { prop_assert!(x < 9 || y > 0); }
    }
}
`,
};

export const PYTHON_FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'default rules': {
    'pytest.ini': '[pytest]\nmarkers =\n    verifies: criteria\n    slow: slow\n',
    'tests/test_a.py': `import unittest
import pytest
from unittest import IsolatedAsyncioTestCase as Aio

pytestmark = [pytest.mark.slow]

def test_one(): assert 1
async def test_async(): assert 1
def helper(): pass
def testable(): assert 1

@pytest.fixture
def test_data(): return 1

@pytest.fixture(params=[1, 2])
def number(request): return request.param

def test_number(number): assert number

@pytest.mark.parametrize("a,b", [(1, 2), (3, 4)])
@pytest.mark.verifies("AC-a")
def test_many(a, b): assert a < b

@pytest.mark.skip
def test_skipped(): assert 1

class TestGroup:
    pytestmark = pytest.mark.parametrize("x", [1, 2])
    def test_in(self, x): assert x
    def other(self): pass

class TestPlain:
    @staticmethod
    def test_static(): assert 1
    @classmethod
    def test_class(cls): assert 1
    class TestInner:
        def test_deep(self): assert 1
    class Other:
        def test_no(self): assert 1

class TestBuilt:
    def __init__(self): pass
    def test_no(self): assert 1

class Group:
    def test_no(self): assert 1

class TestOff:
    __test__ = False
    def test_no(self): assert 1

class Checks:
    def test_shared(self): assert 1
    def test_over(self): assert 1
    def test_gone(self): assert 1

class TestTakes(Checks):
    def test_own(self): assert 1

class Named(unittest.TestCase):
    def test_d(self): self.assertTrue(1)
    def testCamel(self): self.assertTrue(1)
    def check(self): pass
    class TestInUnit:
        def test_no(self): assert 1

class More(Checks, Named):
    test_gone = None
    def test_over(self): self.assertTrue(1)

class Waits(Aio):
    async def test_e(self): self.assertTrue(1)

if True:
    def test_in_if(): assert 1
try:
    import nothing_of_that_name
except ImportError:
    def test_in_except(): assert 1

def outer():
    def test_nested(): assert 1
`,
    'tests/b_test.py': 'def test_b(): assert 1\n',
    'tests/helpers.py': 'def test_no(): assert 1\n',
  },
  'configured in pyproject.toml': {
    'pyproject.toml':
      '[tool.pytest.ini_options]\npython_files = ["check_*.py"]\npython_classes = ["*Suite", "Check"]\npython_functions = "it_* check"\n',
    'pkg/check_a.py':
      'def it_works(): assert 1\ndef checks(): assert 1\ndef test_no(): assert 1\nclass MySuite:\n  def it_too(self): assert 1\nclass CheckMore:\n  def check_x(self): assert 1\nclass TestNo:\n  def it_no(self): assert 1\n',
    'pkg/test_a.py': 'def it_no(): assert 1\n',
  },
  'configured in setup.cfg': {
    'setup.cfg': '[metadata]\nname = x\n\n[tool:pytest]\npython_files =\n    *_spec.py\n    pkg/t_*.py\n',
    'a_spec.py': 'def test_a(): assert 1\n',
    'pkg/t_b.py': 'def test_b(): assert 1\n',
    'other/t_c.py': 'def test_c(): assert 1\n',
    'test_d.py': 'def test_d(): assert 1\n',
  },
};

export const GO_FILES: Readonly<Record<string, string>> = {
  'go.mod': 'module sample\n\ngo 1.21\n',
  'a/a.go': 'package a\n\nfunc Add(x, y int) int { return x + y }\n',
  'a/a_test.go': `package a

import (
	"fmt"
	"testing"
)

const shared = "shared"

func TestAdd(t *testing.T) {
	t.Run("with spaces", func(t *testing.T) {
		t.Run("inner/slash", func(tt *testing.T) {
			if Add(1, 2) != 3 {
				tt.Fatal("no")
			}
		})
	})
	const local = shared + " " + \`raw\`
	t.Run(local, func(t *testing.T) { check(t) })
	t.Run("named", check)
	for _, c := range []struct{ name string }{{"one"}, {"two"}} {
		t.Run(c.name, func(t *testing.T) { check(t) })
	}
	t.Run(fmt.Sprintf("made %d", 1), check)
}

func check(t *testing.T) {
	if Add(1, 2) != 3 {
		t.Error("no")
	}
}

func TestHelped(t *testing.T) { subtests(t) }

func subtests(t *testing.T) { t.Run("from helper", check) }

func Test_low(t *testing.T) { check(t) }
func TestÜber(t *testing.T) { check(t) }
func TestMain(m *testing.M) { m.Run() }
func BenchmarkAdd(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Add(1, 2)
	}
}
func FuzzAdd(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(t *testing.T, a int) { check(t) })
}
func TestSkipped(t *testing.T) { t.Skip("no") }
`,
  'a/example_test.go': `package a_test

import (
	"fmt"
	"sample/a"
)

func ExampleAdd() {
	fmt.Println(a.Add(1, 2)) // three
	// Output: 3
}

func ExampleAdd_unordered() {
	fmt.Println(a.Add(1, 2))
	// unordered output:
	// 3
}

func ExampleAdd_silent() {
	fmt.Println(a.Add(1, 2))
}
`,
};

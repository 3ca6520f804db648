/** Which definition a test is: what it stands under, and which others have its selector; the same from a cold and a warm scan. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scan } from '../../src/model/index.js';
import { scan, ScanCache } from '../../src/scan/index.js';
import { listFiles } from '../../src/sources/index.js';

const FILES: Readonly<Record<string, string>> = {
  'a.test.ts': `import { it, describe } from 'vitest';
if (process.platform === 'win32') it('one', () => {});
else it('one', () => {});
switch (process.arch) {
  case 'x64':
    it('two', () => {});
    break;
  default:
    it('two', () => {});
}
try { it('three', () => {}); } catch { describe('four', () => { it('five', () => {}); }); }
process.env.CI && it('six', () => {});
it('seven', () => {});
`,
  'test_a.py': `import sys
if sys.platform == "win32":
    def test_one(): assert 1
elif sys.platform == "darwin":
    def test_one(): assert 2
else:
    def test_one(): assert 3
try:
    import lib
    def test_two(): assert 1
except ImportError:
    class TestThree:
        def test_four(self): assert 2
`,
  'tests/a.rs': `#[cfg(windows)]
mod system {
    #[cfg(feature = "x")]
    #[test]
    fn one() { assert!(true); }
    #[cfg(not(feature = "x"))]
    #[test]
    fn one() { assert!(true); }
}
#[cfg(test)]
mod plain {
    #[test]
    fn two() { assert!(true); }
}
`,
  'a_windows_test.go': `//go:build integration

package a

import "testing"

func TestOne(t *testing.T) {
	if testing.Short() {
		t.Run("x", func(t *testing.T) { t.Error() })
	} else {
		t.Run("x", func(t *testing.T) { t.Error() })
	}
}
`,
};

let root: string;
let cache: string;
const scanAll = async (): Promise<Scan> =>
  scan({ root, files: await listFiles(root), cache: ScanCache.open(root, cache), scanAll: true });

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'coherence-definitions-'));
  cache = mkdtempSync(join(tmpdir(), 'coherence-definitions-cache-'));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
  rmSync(cache, { recursive: true, force: true });
});

const lines = (found: Scan, file: string): readonly string[] =>
  (found.files.find((one) => one.file === file)?.tests ?? [])
    .filter((test) => test.kind === 'case')
    .map(
      (test) =>
        `${test.line} ${test.path.join('/')}` +
        (test.condition === undefined ? '' : ` | ${test.condition.line}: ${test.condition.text}`) +
        (test.twins === undefined ? '' : ` | twins ${test.twins.join(',')}`),
    );

// @verifies AC-scan-conditions
describe('conditions and twins', () => {
  it('are said for every language, cold and warm', async () => {
    for (const found of [await scanAll(), await scanAll()]) {
      expect(lines(found, 'a.test.ts')).toEqual([
        "2 one | 2: if (process.platform === 'win32') | twins 2,3",
        "3 one | 2: else of if (process.platform === 'win32') | twins 2,3",
        "6 two | 5: case 'x64' of switch (process.arch) | twins 6,9",
        '9 two | 8: default of switch (process.arch) | twins 6,9',
        '11 three | 11: try',
        '11 four/five | 11: catch',
        '12 six | 12: process.env.CI && …',
        '13 seven',
      ]);
      expect(lines(found, 'test_a.py')).toEqual([
        '3 test_one | 2: if sys.platform == "win32" | twins 3,5,7',
        '5 test_one | 4: elif sys.platform == "darwin" | twins 3,5,7',
        '7 test_one | 6: else of if sys.platform == "win32" | twins 3,5,7',
        '10 test_two | 8: try',
        '13 TestThree/test_four | 11: except ImportError',
      ]);
      expect(lines(found, 'tests/a.rs')).toEqual([
        '5 system/one | 3: #[cfg(windows)] and #[cfg(feature = "x")] | twins 5,8',
        '8 system/one | 6: #[cfg(windows)] and #[cfg(not(feature = "x"))] | twins 5,8',
        '13 plain/two',
      ]);
      const name = 'a file name that ends in _windows_test.go and //go:build integration';
      expect(lines(found, 'a_windows_test.go')).toEqual([
        `7 TestOne | 1: ${name}`,
        `9 TestOne/x | 8: ${name} and if testing.Short() | twins 9,11`,
        `11 TestOne/x | 8: ${name} and else of if testing.Short() | twins 9,11`,
      ]);
    }
  });
});

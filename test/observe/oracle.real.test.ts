/** No path is missed that strace saw in the same run: vitest, pytest, cargo, go and static programs. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { observe } from '../../src/observe/index.js';
import { capture, findProgram } from '../../src/util/process.js';
import { ROOT } from '../rig/project.js';
import { scratch, needObserver } from './rig.js';
import { compareWithTrace, STRACE } from './strace.js';

beforeEach(needObserver);

let folder = '';
let strace: string | null = null;
beforeAll(async () => {
  folder = scratch();
  strace = await findProgram('strace');
  if (strace === null && process.env['CI'] === 'true') throw new Error('CI needs strace: it is the oracle');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (files: Readonly<Record<string, string>>): void => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
};

interface Row {
  readonly name: string;
  /** Made ready before the traced run: a build. */
  readonly before?: readonly string[];
  readonly command: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** Link to this repository's packages. */
  readonly npm?: boolean;
}

const ROWS: readonly Row[] = [
  {
    name: 'vitest',
    npm: true,
    command: [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--no-cache'],
    files: {
      'vitest/package.json': '{ "type": "module" }',
      'vitest/src/data.json': '[1]',
      'vitest/src/add.ts': 'export const add = (a: number, b: number): number => a + b;',
      'vitest/test/a.test.ts':
        "import { expect, it } from 'vitest';\nimport { add } from '../src/add.js';\nit('adds', () => expect(add(1, 2)).toBe(3));",
      'vitest/test/b.test.ts':
        "import { readFileSync } from 'node:fs';\nimport { expect, it } from 'vitest';\nit('reads', () => expect(readFileSync('src/data.json', 'utf8')).toBe('[1]'));",
    },
  },
  {
    name: 'pytest',
    command: ['python3', '-m', 'pytest', '-q'],
    files: {
      'pytest/conftest.py': 'import pytest\n@pytest.fixture\ndef place(tmp_path):\n    return tmp_path\n',
      'pytest/lib/__init__.py': 'def one():\n    from . import late\n    return late.ONE\n',
      'pytest/lib/late.py': 'ONE = 1\n',
      'pytest/test_a.py':
        'import subprocess, lib\ndef test_one(place):\n    (place / "x").write_text("1")\n    assert lib.one() == 1\n    assert subprocess.run(["cat", str(place / "x")], capture_output=True).stdout == b"1"\n',
    },
  },
  {
    name: 'go',
    command: ['go', 'test', './...'],
    files: {
      'go/go.mod': 'module example.org/m\n\ngo 1.21\n',
      'go/a.go': 'package m\n\nfunc One() int { return 1 }\n',
      'go/testdata/x.txt': 'x',
      'go/a_test.go':
        'package m\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestOne(t *testing.T) {\n\tif _, err := os.ReadFile("testdata/x.txt"); err != nil || One() != 1 {\n\t\tt.Fatal(err)\n\t}\n}\n',
    },
  },
  {
    name: 'cargo',
    command: ['cargo', 'test', '--offline', '-q'],
    files: {
      'cargo/Cargo.toml': '[package]\nname = "m"\nversion = "0.1.0"\nedition = "2021"\n',
      'cargo/data.txt': 'x',
      'cargo/src/lib.rs':
        'pub fn one() -> u32 { 1 }\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn reads() { assert_eq!(std::fs::read_to_string("data.txt").unwrap(), "x"); assert_eq!(super::one(), 1); }\n}\n',
    },
  },
  {
    name: 'static',
    before: ['cc', '-static', '-D_GNU_SOURCE', '-w', '-o', 'static', 'static.c'],
    command: ['./static'],
    files: {
      'static/folder/x.txt': 'x',
      'static/static.c':
        '#include <dirent.h>\n#include <fcntl.h>\n#include <stdio.h>\n#include <sys/stat.h>\n#include <unistd.h>\nint main(void) { struct stat s; stat("folder/x.txt", &s); lstat("none", &s); access("../static/folder", R_OK); rename("a", "b"); symlink("folder", "link"); close(open("link/x.txt", O_RDONLY)); chdir("link"); close(open("x.txt", O_RDONLY)); closedir(opendir(".")); DIR *d = opendir(".."); while (readdir(d)) ; int f = open("..", O_PATH); close(openat(f, "static.c", O_RDONLY)); unlink("../link"); return 0; }',
    },
  },
];

/** Paths that were missed; a text: why the comparison could not be made. */
async function missedIn(name: string): Promise<string | readonly string[]> {
  const row = ROWS.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`there is no row ${name}`);
  const { before, command, files, npm } = row;
  const [program = ''] = command;
  if (strace === null) return 'strace is not installed';
  if (!program.includes('/') && (await findProgram(program)) === null) return `${program} is not installed`;
  write(files);
  const cwd = join(folder, name);
  if (npm === true) symlinkSync(join(ROOT, 'node_modules'), join(cwd, 'node_modules'));
  if (before !== undefined) {
    const made = await capture({ command: before, cwd });
    if (made.end.spawnError !== null) return 'there is no C compiler';
    expect(made.end.code, made.stderr).toBe(0);
  }
  const wrapped = observe(command, folder);
  if (!wrapped.ok) throw new Error(wrapped.why);
  const trace = join(folder, `${name}.trace`);
  const run = await capture({ command: [...STRACE, '-o', trace, ...wrapped.command], cwd, timeoutMs: 150_000 });
  expect(run.end.code, run.stdout + run.stderr).toBe(0);
  const comparison = compareWithTrace(trace, readFileSync(wrapped.log), cwd);
  expect(comparison.traced).toBeGreaterThan(10);
  const { observed } = wrapped.conclude(run.end);
  expect(observed.ok && observed.observation.lost).toEqual([]);
  return comparison.missed;
}

// @verifies AC-observe-oracle
it('vitest: no path is missed', async ({ skip }) => {
  const missed = await missedIn('vitest');
  if (typeof missed === 'string') return skip(missed);
  expect(missed).toEqual([]);
});

// @verifies AC-observe-oracle
it('pytest: no path is missed', async ({ skip }) => {
  const missed = await missedIn('pytest');
  if (typeof missed === 'string') return skip(missed);
  expect(missed).toEqual([]);
});

// @verifies AC-observe-oracle
it('go: no path is missed', async ({ skip }) => {
  const missed = await missedIn('go');
  if (typeof missed === 'string') return skip(missed);
  expect(missed).toEqual([]);
});

// @verifies AC-observe-oracle
it('cargo: no path is missed', async ({ skip }) => {
  const missed = await missedIn('cargo');
  if (typeof missed === 'string') return skip(missed);
  expect(missed).toEqual([]);
});

// @verifies AC-observe-oracle
it('a static program: no path is missed', async ({ skip }) => {
  const missed = await missedIn('static');
  if (typeof missed === 'string') return skip(missed);
  expect(missed).toEqual([]);
});

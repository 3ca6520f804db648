/**
 * What being observed costs: processor time of a test run with its observer over the plain run, both in turn. Wall clock would
 * measure the machine's other work; processor time counts the helper and the whole tree.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { observe, observerStatus } from '../src/observe/index.js';
import { figure, median, type Figure } from './measure.js';

const ROOT = process.cwd();
const ROUNDS = 3;

interface Job {
  readonly name: string;
  readonly command: readonly string[];
  readonly target: number;
  readonly files: Readonly<Record<string, string>>;
  readonly npm?: boolean;
}

const many = (count: number, make: (i: number) => readonly [string, string]): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_item, i) => make(i)));

const JOBS: readonly Job[] = [
  {
    name: 'vitest, 14 files',
    npm: true,
    target: 1.2,
    command: [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run'],
    files: {
      'package.json': '{ "type": "module" }',
      ...many(14, (i) => [
        `test/f${i}.test.ts`,
        `import { expect, it } from 'vitest';\nimport { add } from '../src/m${i}.js';\nit('adds', () => expect(add(${i}, 1)).toBe(${i + 1}));\n`,
      ]),
      ...many(14, (i) => [`src/m${i}.ts`, 'export const add = (a: number, b: number): number => a + b;\n']),
    },
  },
  {
    name: 'pytest, 2,000 tests',
    target: 1.5,
    command: ['python3', '-m', 'pytest', '-q'],
    files: many(40, (i) => [
      `test_${i}.py`,
      `import json, pytest\n@pytest.mark.parametrize('n', range(50))\ndef test_n(n):\n    assert json.loads(str(n)) == n\n`,
    ]),
  },
  {
    name: 'cargo test',
    target: 1.2,
    command: ['sh', '-c', 'touch src/lib.rs; cargo test --offline -q'],
    files: {
      'Cargo.toml': '[package]\nname = "m"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/lib.rs': `${Array.from({ length: 200 }, (_item, i) => `pub fn f${i}(a: u32) -> u32 { a.wrapping_add(${i}) }`).join('\n')}\n#[cfg(test)]\nmod tests {\n${Array.from({ length: 200 }, (_item, i) => `    #[test]\n    fn t${i}() { assert_eq!(super::f${i}(1), ${i + 1}); }`).join('\n')}\n}\n`,
    },
  },
  {
    name: 'go test',
    target: 1.2,
    command: ['go', 'test', '-count=1', './...'],
    files: {
      'go.mod': 'module example.org/m\n\ngo 1.21\n',
      ...many(10, (i) => [`p${i}/a.go`, `package p${i}\n\nfunc One() int { return ${i} }\n`]),
      ...many(10, (i) => [
        `p${i}/a_test.go`,
        `package p${i}\n\nimport "testing"\n\nfunc TestOne(t *testing.T) {\n\tif One() != ${i} {\n\t\tt.Fatal("no")\n\t}\n}\n`,
      ]),
    },
  },
];

/** Processor seconds of a command and all that it waited for, as the shell's `times` tells them. */
function processorMs(command: readonly string[], cwd: string): number {
  const ran = spawnSync('sh', ['-c', '"$@" >/dev/null 2>&1 || exit 9; times', 'sh', ...command], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, CARGO_TARGET_DIR: join(cwd, 'target') },
  });
  if (ran.status !== 0) throw new Error(`${command.join(' ')} ended with ${ran.status}`);
  const last = ran.stdout.trim().split('\n').at(-1) ?? '';
  return [...last.matchAll(/(\d+)m([\d.]+)s/gu)].reduce(
    (sum, [, minutes, seconds]) => sum + (Number(minutes) * 60 + Number(seconds)) * 1000,
    0,
  );
}

function measure(job: Job): Figure {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coh-bench-')));
  try {
    for (const [path, text] of Object.entries(job.files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    if (job.npm === true) symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const both = [[] as number[], [] as number[]] as const;
    for (let round = 0; round <= ROUNDS; round += 1) {
      const wrapped = observe(job.command, folder);
      if (!wrapped.ok) throw new Error(wrapped.why);
      const plain = processorMs(job.command, folder);
      const observed = processorMs(wrapped.command, folder);
      // The first round fills caches.
      if (round > 0) {
        both[0].push(observed);
        both[1].push(plain);
      }
    }
    return figure(`${job.name}, observed (processor time)`, median(both[0]), 'plain', median(both[1]), job.target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export default async function observer(): Promise<readonly Figure[]> {
  const status = await observerStatus(process.env);
  if (!status.available) throw new Error(status.why);
  return JOBS.map(measure);
}

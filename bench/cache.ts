/** The daily use: a no-op run from the verdict cache, and the gate on a push that touches one test file of many. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { compare, figure, median, type Command, type Figure } from './measure.js';

const ROOT = process.cwd();
const CLI = join(ROOT, 'bin', 'coherence.cjs');
const AUTHOR = {
  GIT_AUTHOR_NAME: 'b',
  GIT_AUTHOR_EMAIL: 'b@example.org',
  GIT_COMMITTER_NAME: 'b',
  GIT_COMMITTER_EMAIL: 'b@example.org',
};

interface Made extends Disposable {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  write(path: string, text: string): void;
  git(...args: readonly string[]): string;
  coherence(
    args: readonly string[],
    input?: string,
  ): { readonly code: number; readonly out: string; readonly err: string; readonly ms: number };
}

const spec = (name: string, criteria: readonly string[]): string =>
  `id: SPEC-${name}\ntitle: ${name}\nlevel: module\nstatus: active\ncriteria:\n${criteria.map((line) => `  - id: ${line}\n    title: ${line}\n`).join('')}`;

/** A committed vitest project: each test file imports a module of its own and one that all share. */
function project(files: number, testsInFile: number): Made {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coh-bench-')));
  const root = join(folder, 'p');
  const env = {
    ...AUTHOR,
    COHERENCE_STATE_DIR: join(folder, 's'),
    COHERENCE_CACHE_DIR: join(folder, 'c'),
    HOME: folder,
    CI: '',
  };
  const run = (command: readonly string[], input?: string) => {
    const started = performance.now();
    const [program = '', ...args] = command;
    const answer = spawnSync(program, args, {
      cwd: root,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      ...(input === undefined ? {} : { input }),
    });
    if (answer.error !== undefined) throw answer.error;
    return { code: answer.status ?? -1, out: answer.stdout, err: answer.stderr, ms: performance.now() - started };
  };
  const made: Made = {
    root,
    env,
    write: (path, text) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    git: (...args) => {
      const answer = run(['git', ...args]);
      if (answer.code !== 0) throw new Error(`git ${args.join(' ')}: ${answer.err}`);
      return answer.out.trim();
    },
    coherence: (args, input) => run([process.execPath, CLI, ...args], input),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
  made.write('.coherence/project.toml', 'project_slug = "b"\nproject_hash = "b"\ndolt_db_name = "b"\n');
  made.write('.coherence/.gitignore', 'runs/\n');
  made.write('.gitignore', 'node_modules\n');
  made.write('package.json', '{ "name": "b", "private": true, "type": "module" }\n');
  made.write('lib/shared.ts', 'export const add = (a: number, b: number): number => a + b;\n');
  for (let file = 0; file < files; file += 1) {
    const ids: string[] = [];
    made.write(
      `lib/m${file}.ts`,
      `import { add } from './shared.js';\nexport const more = (x: number): number => add(x, ${file});\n`,
    );
    let text = `import { expect, it } from 'vitest';\nimport { more } from '../lib/m${file}.js';\n`;
    for (let k = 0; k < testsInFile; k += 1) {
      ids.push(`AC-b-${file}-${k}`);
      text += `// @verifies AC-b-${file}-${k}\nit('case ${k} of ${file}', () => {\n  expect(more(${k})).toBe(${file + k});\n});\n`;
    }
    made.write(`test/f${file}.test.ts`, text);
    made.write(`specs/b${file}.yaml`, spec(`b${file}`, ids));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  made.git('init', '-q', '-b', 'main');
  made.git('config', 'gc.auto', '0');
  made.git('config', 'maintenance.auto', 'false');
  made.git('add', '-A');
  made.git('commit', '-qm', 'start');
  return made;
}

function expectSummary(made: Made, args: readonly string[], wanted: Readonly<Record<string, number>>): void {
  const answer = made.coherence(['verify', '--all', '--json', ...args]);
  const { summary } = JSON.parse(answer.out) as { summary: Record<string, number> };
  for (const [key, value] of Object.entries(wanted))
    if (summary[key] !== value)
      throw new Error(`the benchmark's project gives ${key} ${summary[key]}, not ${value}: ${answer.err}`);
}

/** gate.md: a no-op `verify --all` over 1,000 cached checks says "0 executed" and takes under 4 x (`git status` + Node's start). */
function noop(): Figure {
  using made = project(100, 10);
  expectSummary(made, [], { pass: 1000, executed: 1000 });
  expectSummary(made, [], { pass: 1000, executed: 0, cached: 1000 });
  const ours: Command = { command: [process.execPath, CLI, 'verify', '--all'], cwd: made.root, env: made.env };
  const floor: Command = {
    command: ['sh', '-c', `git status > /dev/null; ${process.execPath} -e 0`],
    cwd: made.root,
    env: made.env,
  };
  const both = compare(ours, floor, 9);
  return figure('no-op verify --all, 1,000 cached checks', both.left, '(git status + node -e 0)', both.right, 4);
}

/** gate.md: `gate` on a push that touches one of 200 test files, at most a quarter of the full run. */
function pushes(): Figure[] {
  using made = project(200, 2);
  const before = made.git('rev-parse', 'HEAD');
  expectSummary(made, ['--no-cache'], { pass: 400, executed: 400 });
  const full: number[] = [];
  const here: number[] = [];
  const elsewhere: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    full.push(made.coherence(['verify', '--all', '--no-cache', '--quiet']).ms);
    const base = made.git('rev-parse', 'HEAD');
    made.write(
      'test/f7.test.ts',
      `// round ${round}\nimport { expect, it } from 'vitest';\nimport { more } from '../lib/m7.js';\n// @verifies AC-b-7-0, AC-b-7-1\nit('round ${round}', () => {\n  expect(more(${round})).toBe(${7 + round});\n});\n`,
    );
    made.git('commit', '-qam', `round ${round}`);
    const line = `refs/heads/main ${made.git('rev-parse', 'HEAD')} refs/heads/main ${base}\n`;
    // In a clean checkout of the pushed commit, then with a dirty one: the first runs in place, the second in a worktree; the
    // verdict cache is emptied in between, so that both execute the test.
    here.push(gate(made, line));
    rmSync(join(made.env['COHERENCE_STATE_DIR'] ?? '', 'verdicts.jsonl'), { force: true });
    made.write('untracked.txt', 'x\n');
    elsewhere.push(gate(made, line));
    rmSync(join(made.root, 'untracked.txt'));
  }
  if (made.git('rev-parse', 'HEAD') === before) throw new Error('nothing was pushed');
  return [
    figure(
      'gate, a push touching 1 of 200 test files, clean checkout',
      median(here),
      'verify --all --no-cache',
      median(full),
      0.25,
    ),
    figure(
      'gate, the same push from a dirty checkout (worktree)',
      median(elsewhere),
      'verify --all --no-cache',
      median(full),
      0.25,
    ),
  ];
}

function gate(made: Made, line: string): number {
  const answer = made.coherence(['gate'], line);
  if (answer.code !== 0 || !answer.err.includes(': 2 affected criteria'))
    throw new Error(`the gate said ${answer.code}: ${answer.err}`);
  return answer.ms;
}

export default async function cacheBenchmarks(): Promise<readonly Figure[]> {
  return [noop(), ...pushes()];
}

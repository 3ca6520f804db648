/** The main job: check over many files, verify of many linked tests, start-up, memory. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { compare, figure, runOnce, type Command, type Figure } from './measure.js';

const ROOT = process.cwd();
const CLI = join(ROOT, 'bin', 'coherence.cjs');

function project(files: (write: (path: string, text: string) => void) => void): {
  readonly root: string;
  readonly env: Record<string, string>;
  readonly end: () => void;
} {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coh-bench-')));
  const root = join(folder, 'p');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('.coherence/project.toml', 'project_slug = "b"\nproject_hash = "b"\ndolt_db_name = "b"\n');
  write('.coherence/.gitignore', 'runs/\n');
  write('.gitignore', 'node_modules\n');
  files(write);
  for (const args of [
    ['init', '-q'],
    ['config', 'gc.auto', '0'],
    ['config', 'maintenance.auto', 'false'],
    ['add', '-A'],
    ['-c', 'user.name=b', '-c', 'user.email=b@example.org', 'commit', '-qm', 'b'],
  ])
    spawnSync('git', args, { cwd: root });
  return {
    root,
    env: { COHERENCE_STATE_DIR: join(folder, 's'), COHERENCE_CACHE_DIR: join(folder, 'c') },
    end: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}

const spec = (name: string, criteria: readonly string[]): string =>
  `id: SPEC-${name}\ntitle: ${name}\nlevel: module\nstatus: active\ncriteria:\n${criteria.map((line) => `  - id: ${line}\n    title: ${line}\n`).join('')}`;

function manyFiles(count: number) {
  return project((write) => {
    const ids: string[] = [];
    for (let i = 0; i < count; i += 1) {
      const tagged = i % 10 < 3;
      if (tagged) ids.push(`AC-b-${i}`);
      const body = Array.from(
        { length: 8 },
        (_item, k) =>
          `  it('does ${k} of ${i}', () => {\n    const value = compute(${k}, ${i});\n    expect(value).toBe(${k + i});\n  });\n`,
      ).join('\n');
      write(
        `src/d${i % 50}/f${i}.test.ts`,
        `import { describe, expect, it } from 'vitest';\nimport { compute } from '../compute.js';\n\n${tagged ? `// @verifies AC-b-${i}\n` : ''}describe('unit ${i}', () => {\n${body}});\n`,
      );
    }
    for (let i = 0; i < ids.length; i += 50) write(`specs/s${i}.yaml`, spec(`s${i}`, ids.slice(i, i + 50)));
  });
}

function checks(): Figure[] {
  const made = manyFiles(5000);
  try {
    const floor: Command = {
      command: ['sh', '-c', `rg -c '@verifies' . > /dev/null; ${process.execPath} -e 0`],
      cwd: made.root,
    };
    const check: Command = { command: [process.execPath, CLI, 'check', '--quiet'], cwd: made.root, env: made.env };
    const cold = {
      ...check,
      before: () => rmSync(made.env['COHERENCE_CACHE_DIR'] ?? '', { recursive: true, force: true }),
    };
    const first = compare(cold, floor, 3);
    const warm = compare(check, floor, 5);
    return [
      figure('check, 5,000 files, cold', first.left, '(rg + node start)', first.right, 20),
      figure('check, 5,000 files, warm', warm.left, '(rg + node start)', warm.right, 3),
    ];
  } finally {
    made.end();
  }
}

/** Peak resident memory in MB of `check` over 20,000 files, as the kernel counted it for the child. */
function memory(): Figure[] {
  const made = manyFiles(20_000);
  try {
    const measured = spawnSync(
      '/usr/bin/python3',
      [
        '-c',
        'import resource,subprocess,sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)',
        process.execPath,
        CLI,
        'check',
        '--quiet',
      ],
      { cwd: made.root, env: { ...process.env, ...made.env }, encoding: 'utf8' },
    );
    const kilobytes = Number(measured.stdout.trim());
    return Number.isFinite(kilobytes) && kilobytes > 0
      ? [figure('memory of check, 20,000 files (MB)', kilobytes / 1024, '500 MB', 500, 1)]
      : [];
  } finally {
    made.end();
  }
}

function verifies(): Figure[] {
  const made = project((write) => {
    write('package.json', '{ "name": "b", "private": true, "type": "module" }\n');
    const ids: string[] = [];
    for (let file = 0; file < 12; file += 1) {
      let text = "import { expect, it } from 'vitest';\n";
      for (let k = 0; k < 5; k += 1) {
        ids.push(`AC-b-${file}-${k}`);
        text += `// @verifies AC-b-${file}-${k}\nit('case ${file} ${k}', () => { expect(${file} + ${k}).toBe(${file + k}); });\n`;
      }
      write(`test/f${file}.test.ts`, text);
    }
    write('specs/b.yaml', spec('b', ids));
  });
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(made.root, 'node_modules'));
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const raw: Command = { command: [process.execPath, vitest, 'run'], cwd: made.root };
    const ours: Command = {
      command: [process.execPath, CLI, 'verify', '--all', '--no-cache', '--quiet'],
      cwd: made.root,
      env: made.env,
    };
    const both = compare(ours, raw, 5);
    const one = runOnce({
      command: [process.execPath, vitest, 'run', 'test/f0.test.ts', '-t', 'case 0 0'],
      cwd: made.root,
    });
    const cached: Command = { ...ours, command: [process.execPath, CLI, 'verify', 'AC-b-0-0'] };
    const noop = compare(cached, { command: [process.execPath, '-e', '0'], cwd: made.root }, 7);
    return [
      figure(
        'verify --all, 60 linked vitest tests, less 300 ms',
        both.left - 300,
        'one raw vitest run',
        both.right,
        1.1,
      ),
      figure('one vitest process a link (60)', one * 60, 'verify --all of 60 links', both.left, 10, true),
      figure('cached verify-spec', noop.left, 'node -e 0', noop.right, 4),
    ];
  } finally {
    made.end();
  }
}

function help(): Figure[] {
  const both = compare(
    { command: [process.execPath, CLI, '--help'], cwd: ROOT },
    { command: [process.execPath, '-e', '0'], cwd: ROOT },
    11,
  );
  return [figure('--help', both.left, 'node -e 0', both.right, 1.5)];
}

export default async function main(): Promise<readonly Figure[]> {
  return [...help(), ...checks(), ...memory(), ...verifies()];
}

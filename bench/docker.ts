/**
 * Docker: a warm `verify` with three cached layers and 20 checks against 20 plain `docker run --rm` of the same commands in the
 * same image and parallelism, on a private daemon. Both sides in turn; medians. `node bench/run.mjs docker`.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startDockerd, whyNot } from '../scripts/dockerd.mjs';
import { capture } from '../src/util/process.js';
import { BASE, importBusybox } from '../test/rig/docker-image.js';
import { compare, figure, type Figure } from './measure.js';

const CHECKS = 20;
const PARALLEL = 2;
const TARGET = 1.3;
const ROUNDS = 5;

const line = (index: number): string => `cat /one /two /three marker.txt; echo ${index}`;

const spec = (): string =>
  `id: SPEC-bench\ntitle: Bench\nlevel: module\nstatus: active\ncriteria:\n${Array.from({ length: CHECKS }, (_, index) => `  - id: AC-bench-${index}\n    title: Check ${index}\n    verified_by:\n      - run: ${line(index)}\n        in: docker\n        environment: base\n`).join('')}`;

const CONFIG = `docker:\n  environments:\n    base:\n      image: ${BASE}\n      pull: never\n      setup:\n        - { id: one, run: echo 1 > /one }\n        - { id: two, run: echo 2 > /two }\n        - { id: three, run: echo 3 > /three }\n`;

/** Empty where no daemon can be started. */
export default async function dockerBenchmarks(): Promise<Figure[]> {
  if (whyNot() !== null) return [];
  const folder = await mkdtemp(join(tmpdir(), 'coherence-bench-docker-'));
  const daemon = await startDockerd(join(folder, 'd'));
  try {
    await importBusybox(folder, daemon.host, BASE, []);
    const root = join(folder, 'project');
    await mkdir(join(root, 'specs'), { recursive: true });
    await mkdir(join(root, '.coherence'));
    const env = {
      DOCKER_HOST: daemon.host,
      HOME: folder,
      XDG_STATE_HOME: join(folder, 'state'),
      XDG_CACHE_HOME: join(folder, 'cache'),
      XDG_RUNTIME_DIR: folder,
    };
    const coherence = [process.execPath, resolve(process.cwd(), 'bin', 'coherence.cjs')];
    await capture({ command: ['git', 'init', '-q'], cwd: root });
    await capture({
      command: [...coherence, 'init', '--slug', 'bench', '--quiet'],
      cwd: root,
      env: { ...process.env, ...env },
    });
    for (const [path, text] of [
      ['marker.txt', 'v1\n'],
      ['.coherence/config.yaml', CONFIG],
      ['specs/bench.yaml', spec()],
    ] as const)
      await writeFile(join(root, path), text);
    const verify = [...coherence, 'verify', '--no-cache', '--jobs', String(PARALLEL), '--quiet'];
    const first = await capture({ command: verify, cwd: root, env: { ...process.env, ...env } });
    if (!first.ok) throw new Error(`verify: exit ${first.end.code}\n${first.stdout}${first.stderr}`);

    const newest = await capture({
      command: [
        'docker',
        'images',
        '--format',
        '{{.Repository}}:{{.Tag}} {{.ID}}',
        '--filter',
        'label=coherence.name=base/three',
      ],
      cwd: root,
      env: { ...process.env, ...env },
    });
    const image = newest.stdout.trim().split('\n')[0]?.split(' ')[1] ?? '';
    const script = join(folder, 'runs');
    await writeFile(script, Array.from({ length: CHECKS }, (_, index) => `${line(index)}\0`).join(''));
    const plain = [
      'sh',
      '-c',
      `xargs -0 -P ${PARALLEL} -I LINE docker run --rm --network none -v "$1":/workspace -w /workspace "$2" sh -c LINE < "$3"`,
      'plain',
      root,
      image,
      script,
    ];
    const measured = compare({ command: verify, cwd: root, env }, { command: plain, cwd: root, env }, ROUNDS);
    return [
      figure(
        `warm verify, 3 cached layers, ${CHECKS} checks, ${PARALLEL} at once`,
        measured.left,
        `${CHECKS} docker run --rm`,
        measured.right,
        TARGET,
      ),
    ];
  } finally {
    await daemon.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

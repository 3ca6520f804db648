/** `doctor`: what is there, what is not, what that disables, and how to get it. Runs no program of the project's tree. */
import { realpath } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Project } from '../../config/index.js';
import { observerStatus } from '../../observe/index.js';
import { capture, findProgram, pathOutside } from '../../util/process.js';
import { runnersInUse } from './init.js';
import { doltStatus } from '../store/store.js';
import { dockerStatus } from '../verify/wire.js';

export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'missing' | 'too-old';
  readonly detail: string;
  /** What does not work without it; empty when nothing is missing. */
  readonly disables: string;
  readonly remedy: string;
}

const NEEDED_NODE = [20, 19] as const;

interface Probe {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly disables: string;
  readonly remedy: string;
}

const PROBES: readonly Probe[] = [
  {
    name: 'git',
    program: 'git',
    args: ['--version'],
    disables: 'changed files, commits in records, worktrees, the pre-push gate',
    remedy: 'Install git.',
  },
  {
    name: 'cargo',
    program: 'cargo',
    args: ['--version'],
    disables: 'Rust tests: SKIP(unavailable:cargo)',
    remedy: 'Install Rust with rustup.',
  },
  {
    name: 'python3',
    program: 'python3',
    args: ['--version'],
    disables: 'Python tests: SKIP(unavailable:pytest)',
    remedy: 'Install Python 3 and pytest.',
  },
  {
    name: 'pytest',
    program: 'python3',
    args: ['-m', 'pytest', '--version'],
    disables: 'Python tests: SKIP(unavailable:pytest)',
    remedy: 'python3 -m pip install pytest',
  },
  {
    name: 'go',
    program: 'go',
    args: ['version'],
    disables: 'Go tests: SKIP(unavailable:go), and installing Dolt by its own sources',
    remedy: 'Install Go 1.26 or newer.',
  },
];

/** Programs below the project are never run here: reading executes nothing of the project (contract, section 7). */
async function outside(program: string, root: string, path: string | undefined): Promise<string | null> {
  const found = await findProgram(program, path);
  if (found === null) return null;
  const real = await realpath(found).catch(() => found);
  const inside = relative(await realpath(root), real);
  return inside.startsWith('..') ? found : null;
}

export async function diagnose(
  project: Project,
  callerEnv: Readonly<Record<string, string | undefined>>,
): Promise<readonly Finding[]> {
  const env = { ...callerEnv, PATH: pathOutside(project.root, callerEnv['PATH']) };
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor >= NEEDED_NODE[1]);
  const findings: Finding[] = [
    {
      name: 'node',
      state: fits ? 'ok' : 'too-old',
      detail: process.version,
      disables: fits ? '' : 'coherence itself',
      remedy: `Node ${NEEDED_NODE.join('.')} or newer.`,
    },
  ];
  for (const probe of PROBES) {
    const program = await outside(probe.program, project.root, env['PATH']);
    const answer =
      program === null ? null : await capture({ command: [program, ...probe.args], cwd: '/', env, timeoutMs: 10_000 });
    const ok = answer?.ok === true;
    findings.push({
      name: probe.name,
      state: ok ? 'ok' : 'missing',
      detail: ok ? (`${answer.stdout}${answer.stderr}`.trim().split('\n')[0] ?? '') : 'not found',
      disables: ok ? '' : probe.disables,
      remedy: ok ? '' : probe.remedy,
    });
  }
  const [docker, dolt] = await Promise.all([dockerStatus(project, env), doltStatus(project, env)]);
  findings.push({
    name: 'docker',
    state: docker.available ? 'ok' : 'missing',
    detail: docker.detail,
    disables: docker.available ? '' : 'links with `in: docker`: SKIP(unavailable:docker)',
    remedy: docker.available ? '' : 'Start a Docker daemon, or set DOCKER_HOST.',
  });
  findings.push({
    name: 'dolt',
    state: dolt.available ? 'ok' : 'missing',
    detail: dolt.detail,
    disables: dolt.available ? '' : 'history, blame, branches and merge of specs; everything else works from files',
    remedy: dolt.available
      ? ''
      : '`coherence doctor --fix` installs it into the cache (needs Go 1.26 or store.dolt_url).',
  });
  const observer = await observerStatus(env);
  findings.push({
    name: 'observer',
    state: observer.available ? 'ok' : 'missing',
    detail: observer.available
      ? observer.syncWakeUp
        ? 'seccomp user notification, synchronous wake-up'
        : 'seccomp user notification'
      : observer.why,
    disables: observer.available ? '' : 'reuse by what a run rested on; verdicts are reused for the same source alone',
    remedy: observer.available ? '' : 'Needs Linux 5.9 or newer, x64 or arm64, and no other observer around it.',
  });
  const runners = await runnersInUse(project.root);
  findings.push({
    name: 'runners in use',
    state: 'ok',
    detail: runners.length === 0 ? 'none found' : runners.join(', '),
    disables: '',
    remedy: '',
  });
  return findings;
}

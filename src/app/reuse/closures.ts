/** Closures of cases: which kind a runner needs, and what the tools themselves add to it. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cargoClosure,
  commandClosure,
  pytestClosure,
  typescriptClosure,
  type Closure,
  type ClosureTree,
} from '../../closure/index.js';
import type { Case } from '../../model/index.js';
import { capture, findProgram } from '../../util/process.js';

export interface ToolContext {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Cases with the same group have the same closure. */
export const closureGroup = (entry: Case): string =>
  `${entry.runner} ${entry.runner === 'command' ? JSON.stringify(entry.inputs ?? null) : entry.file}`;

/** One closure a test file and runner, however many cases share it; null where no closure can be made (never cached, always selected). */
export function closures(tree: ClosureTree, context: ToolContext): (entry: Case) => Promise<Closure | null> {
  const known = new Map<string, Promise<Closure | null>>();
  const python = once(async () => pythonFacts(context));
  const rust = new Map<string, Promise<readonly string[] | null>>();
  return async (entry) => {
    const key = closureGroup(entry);
    const there = known.get(key) ?? make(entry);
    known.set(key, there);
    return there;
  };

  async function make(entry: Case): Promise<Closure | null> {
    switch (entry.runner) {
      case 'vitest': {
        const vitest = await tree.installed(entry.file, 'vitest');
        return typescriptClosure(tree, entry.file, [
          `node ${process.version} ${process.platform} ${process.arch}`,
          vitest.kind === 'package' ? vitest.identity : `vitest ${vitest.kind}`,
        ]);
      }
      case 'node-test':
        return typescriptClosure(tree, entry.file, [`node ${process.version} ${process.platform} ${process.arch}`]);
      case 'pytest':
        return pytestClosure(tree, entry.file, await python());
      case 'cargo': {
        const folder = entry.file.includes('/') ? entry.file.slice(0, entry.file.lastIndexOf('/')) : '';
        const toolchain = rust.get(folder) ?? rustFacts(context, folder);
        rust.set(folder, toolchain);
        return cargoClosure(tree, entry.file, await toolchain);
      }
      case 'command':
        return commandClosure(tree, entry.inputs ?? null);
      case 'go':
        return null;
    }
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return async () => (made ??= make());
}

/** Python's own identity and its installed distributions: the programs that the pytest runner may choose, all of them. */
async function pythonFacts(context: ToolContext): Promise<readonly string[] | null> {
  const found: string[] = [];
  for (const candidate of [
    join(context.root, '.venv', 'bin', 'python'),
    join(context.root, 'venv', 'bin', 'python'),
    'python3',
    'python',
  ]) {
    const program = await findProgram(candidate, context.env['PATH']);
    if (program === null) continue;
    // `-I` and `-S`: no code of the project, no site customisation, only where things are.
    const answer = await capture({
      command: [
        program,
        '-c',
        'import sys,json,site;print(json.dumps([sys.version,sys.executable]+site.getsitepackages()+[site.getusersitepackages()]))',
      ],
      cwd: '/',
      env: context.env,
      timeoutMs: 10_000,
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
    if (!answer.ok) return null;
    let values: unknown;
    try {
      values = JSON.parse(answer.stdout);
    } catch {
      return null;
    }
    if (!Array.isArray(values)) return null;
    const [version, executable, ...folders] = values.map(String);
    found.push(
      `python ${version ?? ''} ${executable === undefined ? '' : await realpath(executable).catch(() => executable)}`,
    );
    for (const folder of folders) {
      for (const name of (await readdir(folder).catch(() => [] as string[])).sort()) {
        if (!/\.(?:dist-info|egg-info|egg-link|pth)$/u.test(name)) continue;
        const there = await stat(join(folder, name)).catch(() => null);
        found.push(`${name} ${there?.mtimeMs ?? 0}`);
      }
    }
  }
  return found.length === 0 ? null : found;
}

async function rustFacts(context: ToolContext, folder: string): Promise<readonly string[] | null> {
  const answer = await capture({
    command: ['rustc', '-vV'],
    cwd: join(context.root, folder),
    env: context.env,
    timeoutMs: 20_000,
  });
  return answer.ok ? [answer.stdout] : null;
}

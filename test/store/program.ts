import { spawn } from 'node:child_process';
import { build } from 'esbuild';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { TestProject } from './rig.js';

const ROOT = resolve(import.meta.dirname, '../..');
let built: Promise<string> | null = null;

/** The driver as one file below node_modules, so that it finds the libraries. */
export const driver = async (): Promise<string> =>
  (built ??= (async () => {
    const folder = join(ROOT, 'node_modules', '.cache', 'coherence-test');
    await mkdir(folder, { recursive: true });
    const outfile = join(folder, `store-driver-${process.pid}.mjs`);
    await build({
      entryPoints: [join(import.meta.dirname, 'driver.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'error',
    });
    return outfile;
  })());

export interface Driven {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the driver as a shell would. Not by util/process: that ends everything a program leaves behind, and the server is to
 * outlive the command that started it. With `killAfterMs` the program, and nothing else, gets SIGKILL at that time.
 */
export const drive = async (
  at: TestProject,
  args: readonly string[],
  killAfterMs?: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Driven> => run(at, [await driver(), ...args], env, killAfterMs);

/** Runs the built product, as a user does. */
export const command = async (
  at: TestProject,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Driven> => run(at, [join(ROOT, 'bin/coherence.cjs'), ...args], env);

async function run(
  at: TestProject,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  killAfterMs?: number,
): Promise<Driven> {
  const child = spawn(process.execPath, args, {
    cwd: at.root,
    env: { ...at.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const timer = killAfterMs === undefined ? null : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const code = await new Promise<number | null>((done) => child.once('close', (exit) => done(exit)));
  if (timer !== null) clearTimeout(timer);
  return { code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') };
}

import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  capture,
  identityOf,
  isAlive,
  newNonce,
  processesWithNonce,
  run,
  startChild,
  endTree,
} from '../../src/util/process.js';
import { groupLives, processStat } from '../../src/util/proc.js';

const sh = (line: string, more: Partial<Parameters<typeof run>[0]> = {}): ReturnType<typeof capture> =>
  capture({ command: ['sh', '-c', line], cwd: '/', graceMs: 100, ...more });
const stillThere = (text: string): boolean =>
  spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout.includes(text);

describe('run', () => {
  it('gives exit code, signal and output as they were', async () => {
    const plain = await sh('printf out; printf err >&2; exit 7');
    expect(plain).toMatchObject({
      stdout: 'out',
      stderr: 'err',
      ok: false,
      end: { code: 7, signal: null, timedOut: false, canceled: false, spawnError: null },
    });
    expect((await sh('kill -SEGV $$')).end).toMatchObject({ code: null, signal: 'SIGSEGV' });
    expect(await capture({ command: ['cat'], cwd: '/', input: 'fed' })).toMatchObject({ stdout: 'fed', ok: true });
  });

  // @verifies AC-run-start-failures-are-data
  it('tells a start that failed as data, with what is missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coherence-test-'));
    const file = join(folder, 'not-executable');
    await writeFile(file, 'text', { mode: 0o600 });
    try {
      expect((await run({ command: ['no-such-program-at-all'], cwd: '/' })).spawnError).toMatchObject({
        code: 'ENOENT',
        message: 'no-such-program-at-all was not found',
      });
      expect((await run({ command: ['true'], cwd: join(folder, 'gone') })).spawnError?.message).toBe(
        `the folder ${join(folder, 'gone')} does not exist`,
      );
      expect((await run({ command: [file], cwd: '/' })).spawnError?.code).toBe('EACCES');
      expect((await run({ command: ['echo', 'x'.repeat(3_000_000)], cwd: '/' })).spawnError?.code).toBe('E2BIG');
      expect((await run({ command: ['a\0b'], cwd: '/' })).spawnError?.code).toMatch(/INVALID/);
      expect((await run({ command: [], cwd: '/' })).spawnError?.code).toBe('EINVAL');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  // @verifies AC-run-time-out-ends-the-tree
  it('ends the whole tree at the limit: children, those that left the group, those that ignore TERM', async () => {
    const { end } = await sh(
      "trap '' TERM; setsid sh -c \"trap '' TERM; sleep 700.1\" & sleep 700.2 & setsid setsid sleep 700.3 & sleep 700.4",
      { timeoutMs: 150 },
    );
    expect(end).toMatchObject({ timedOut: true, canceled: false });
    expect(stillThere('sleep 700.')).toBe(false);
  });

  // @verifies AC-run-leaves-nothing-running
  it('ends what a command left behind when it is done, though it never waits for it', async () => {
    const { end, stdout } = await sh('sleep 701.1 & (setsid sleep 701.2 >/dev/null 2>&1 &) ; echo done');
    expect(end).toMatchObject({ code: 0, timedOut: false });
    expect(stdout).toBe('done\n');
    expect(stillThere('sleep 701.')).toBe(false);
  });

  // @verifies AC-run-leaves-nothing-running
  it('does not start what is canceled before, and ends what is canceled meanwhile', async () => {
    expect((await sh('true', { signal: AbortSignal.abort() })).end).toMatchObject({ canceled: true, pid: null });
    const controller = new AbortController();
    const { end } = await sh('sleep 702.1', { signal: controller.signal, onStart: () => controller.abort() });
    expect(end).toMatchObject({ canceled: true, timedOut: false });
    expect(stillThere('sleep 702.')).toBe(false);
  });

  // @verifies AC-run-output-is-whole
  it('loses no output of a command that writes and ends at once', async () => {
    const { stdout } = await sh('head -c 3000000 /dev/zero | tr "\\0" x');
    expect(stdout).toHaveLength(3_000_000);
  });

  // @verifies AC-run-output-is-capped
  it('keeps memory bounded under a flood', async () => {
    const { stdout } = await capture({ command: ['sh', '-c', 'head -c 20000000 /dev/zero'], cwd: '/', maxBytes: 1000 });
    expect(stdout).toHaveLength(1000);
  });

  // @verifies AC-run-leaves-nothing-running
  it('ends running trees when this process exits', async () => {
    const script = `const { run } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/util/process.ts'))}); run({ command: ['sh', '-c', 'setsid sleep 703.1 & sleep 703.2'], cwd: '/', onStart: () => setTimeout(() => process.exit(0), 300) });`;
    // Node 20 loads no TypeScript: the test's own bundler gives the module as one file.
    const { buildSync } = await import('esbuild');
    const folder = await mkdtemp(join(tmpdir(), 'coherence-test-'));
    try {
      await writeFile(join(folder, 'in.ts'), script);
      buildSync({
        entryPoints: [join(folder, 'in.ts')],
        outfile: join(folder, 'out.mjs'),
        bundle: true,
        platform: 'node',
        format: 'esm',
      });
      expect(spawnSync(process.execPath, [join(folder, 'out.mjs')]).status).toBe(0);
      expect(stillThere('sleep 703.')).toBe(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('processes', () => {
  // @verifies AC-run-process-identity
  it('finds a nonce in a list, as a whole entry only', async () => {
    const nonce = newNonce();
    const child = startChild(['sleep', '704.1'], { cwd: '/', env: process.env, nonce, output: 'ignore' });
    const pid = child.pid ?? 0;
    await new Promise((resolve) => child.once('spawn', resolve));
    expect(processesWithNonce(nonce)).toEqual([pid]);
    expect(processesWithNonce(nonce, pid - 1)).toEqual([pid]);
    expect(processesWithNonce(nonce.slice(0, -1))).toEqual([]);
    const identity = identityOf(pid);
    expect(identity !== null && isAlive(identity)).toBe(true);
    expect(identity !== null && isAlive({ ...identity, startTicks: identity.startTicks + 1 })).toBe(false);
    expect(await endTree(pid, nonce, 0)).toBe(true);
    expect(identity !== null && isAlive(identity)).toBe(false);
    expect(groupLives(pid)).toBe(false);
  });

  // @verifies AC-run-process-identity
  it('counts fields of /proc from the last parenthesis', async () => {
    const child = spawn(
      process.execPath,
      ['-e', 'process.title = ") R 1 (x"; process.stdout.write("up"); setTimeout(() => {}, 60000)'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(processStat(child.pid ?? 0)?.parent).toBe(process.pid);
    child.kill('SIGKILL');
  });
});

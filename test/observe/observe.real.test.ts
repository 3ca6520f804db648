import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stateOf } from '../../src/observe/index.js';
import { runObserved, scratch, needObserver } from './rig.js';

beforeEach(needObserver);

let folder = '';
beforeAll(() => {
  folder = scratch();
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real', 'a.txt'), 'a');
  writeFileSync(join(folder, 'b.txt'), 'b');
  symlinkSync('real', join(folder, 'link'));
  symlinkSync('link/a.txt', join(folder, 'second'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what a run rested on', () => {
  // @verifies AC-observe-inputs
  it('files, absent paths, listed folders, programs and links, each by its own name', async () => {
    const run = await runObserved(
      ['sh', '-c', 'cat link/a.txt second; cat none.txt; ls real >/dev/null; test -e b.txt'],
      {
        cwd: folder,
      },
    );
    const kinds = Object.fromEntries(
      run
        .seen()
        .inputs.filter((input) => input.path.startsWith(`${folder}/`))
        .map((input) => [input.path.slice(folder.length + 1), input.kind]),
    );
    expect(kinds).toEqual({
      'real/a.txt': 'file',
      'none.txt': 'absent',
      real: 'folder',
      link: 'link',
      second: 'link',
      'b.txt': 'stat',
    });
    expect(run.out).toBe('aa');
    expect(run.seen().lost).toEqual([]);
    expect(run.seen().inputs.some((input) => input.kind === 'program' && input.path.endsWith('/cat'))).toBe(true);
  });

  // @verifies AC-observe-inputs
  it('states are those that can be told again later', async () => {
    const run = await runObserved(['sh', '-c', 'cat link/a.txt; ls real; test -e b.txt; cat none'], { cwd: folder });
    for (const input of run.seen().inputs)
      expect([input.path, stateOf(input.path, input.kind)]).toEqual([input.path, input.state]);
  });

  // @verifies AC-observe-programs
  it('every program with its arguments, in order', async () => {
    const run = await runObserved(['sh', '-c', 'env true one "two words"; exec cat /dev/null'], { cwd: folder });
    expect(run.seen().programs).toEqual([
      ['sh', '-c', 'env true one "two words"; exec cat /dev/null'],
      ['env', 'true', 'one', 'two words'],
      ['true', 'one', 'two words'],
      ['cat', '/dev/null'],
    ]);
  });
});

describe('the command itself stays as it is', () => {
  // @verifies AC-observe-transparent
  it('exit code, signal, output, input and a program that is missing', async () => {
    const plain = await runObserved(['sh', '-c', 'cat; echo err >&2; exit 7'], { input: 'in' });
    expect([plain.end.code, plain.end.signal, plain.out, plain.err]).toEqual([7, null, 'in', 'err\n']);
    const killed = await runObserved(['sh', '-c', 'kill -SEGV $$']);
    expect([killed.end.code, killed.end.signal]).toEqual([null, 'SIGSEGV']);
    const hard = await runObserved(['sh', '-c', 'kill -9 $$']);
    expect([hard.end.code, hard.end.signal, hard.observed.ok]).toEqual([null, 'SIGKILL', true]);
    const missing = await runObserved(['no-such-program-at-all']);
    expect(missing.end.spawnError?.code).toBe('ENOENT');
  });
});

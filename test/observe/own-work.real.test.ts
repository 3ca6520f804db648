/** What the run itself made is its own work and no input; what somebody else changed meanwhile is said. */
import { appendFileSync, chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateOf } from '../../src/observe/index.js';
import { isRoot, ORDINARY, runObserved, scratch, type ObservedRun, needObserver } from './rig.js';

beforeEach(needObserver);

let folder = '';
beforeEach(() => {
  folder = scratch();
  chmodSync(folder, 0o777);
  writeFileSync(join(folder, 'f'), 'old');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const sh = async (script: string, before: readonly string[] = []): Promise<ObservedRun> =>
  runObserved(['sh', '-c', script], { cwd: folder, before });

/** Inputs below the folder: name → kind, with what happened to them. */
const inputs = (run: ObservedRun): Readonly<Record<string, string>> =>
  Object.fromEntries(
    run
      .seen()
      .inputs.filter((input) => input.path.startsWith(`${folder}/`))
      .map(({ path, kind, written, changedDuringRun }) => [
        path.slice(folder.length + 1),
        `${kind}${written ? ' written' : ''}${changedDuringRun ? ' changed' : ''}`,
      ]),
  );

describe('own work', () => {
  // @verifies AC-observe-own-work
  it('a file that the run made and read is no input, nor is what stands in a folder that it made', async () => {
    const run = await sh('echo x > new; cat new; mkdir d; echo 1 > d/a; cat d/a; ls d; test -e d/none');
    expect(inputs(run)).toEqual({ d: 'absent written' });
  });

  // @verifies AC-observe-own-work
  it('a file that was read and then changed is an input with its first state', async () => {
    const state = stateOf(join(folder, 'f'), 'file');
    const run = await sh('cat f; echo more >> f; cat f');
    expect(inputs(run)).toEqual({ f: 'file written' });
    expect(run.at(join(folder, 'f'))?.state).toBe(state);
  });

  // @verifies AC-observe-own-work
  it('a file that was overwritten without a look is no input', async () => {
    expect(inputs(await sh('echo new > f; cat f'))).toEqual({});
  });

  // @verifies AC-observe-own-work
  it('a write that was refused makes no own work', async ({ skip }) => {
    if (!isRoot) return skip('needs root to become another user');
    chmodSync(join(folder, 'f'), 0o644);
    expect(inputs(await sh('(echo x > f) 2>/dev/null; cat f', ORDINARY))).toEqual({ f: 'file' });
  });

  // @verifies AC-observe-own-work
  it('names that came and went are not part of a listing', async () => {
    mkdirSync(join(folder, 'l'));
    writeFileSync(join(folder, 'l', 'kept'), '');
    const run = await sh('echo x > l/scratch.$$; ls l; rm l/scratch.*');
    expect(run.at(join(folder, 'l'))?.state).toBe(stateOf(join(folder, 'l'), 'folder'));
    const left = await sh('ls l; echo x > l/left');
    expect(inputs(left)['l']).toBe('folder written');
    expect(left.at(join(folder, 'l'))?.state).not.toBe(stateOf(join(folder, 'l'), 'folder'));
  });

  // @verifies AC-observe-own-work
  it('a link that the run made leads to inputs', async () => {
    const run = await sh('ln -s f own; cat own');
    expect(inputs(run)).toEqual({ f: 'file', own: 'absent written' });
  });

  // @verifies AC-observe-changed
  it('what somebody else changed during the run is said', async () => {
    mkdirSync(join(folder, 'l'));
    let changed = false;
    const run = await runObserved(['sh', '-c', 'cat f none; ls l; mkfifo gate; echo; echo ready; cat gate'], {
      cwd: folder,
      onStdout: (chunk) => {
        if (changed || !chunk.includes('ready')) return;
        changed = true;
        appendFileSync(join(folder, 'f'), 'x');
        writeFileSync(join(folder, 'none'), 'x');
        writeFileSync(join(folder, 'l', 'x'), 'x');
        writeFileSync(join(folder, 'gate'), 'go');
      },
    });
    expect(inputs(run)).toMatchObject({ f: 'file changed', none: 'absent changed', l: 'folder changed' });
  });
});

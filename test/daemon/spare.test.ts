import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spareFor } from '../../src/runners/vitest/hot/spare.js';
import { until } from './rig.js';

describe('a test process that is started ahead', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coh-spare-'));
    await writeFile(
      join(folder, 'worker.mjs'),
      "process.on('message', (message) => { if (message.type === 'start') process.send({ type: 'started', given: process.env.GIVEN, words: process.execArgv.length }); });\n",
    );
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  /** Makes forks in the way in which vitest's class does. */
  class Forks {
    _fork: ChildProcess | undefined;
    reused = false;
    readonly entrypoint = join(folder, 'worker.mjs');
    readonly execArgv: readonly string[] = [];
    constructor(readonly env: Readonly<Record<string, string | undefined>>) {}
    async start(): Promise<void> {
      this.reused = this._fork !== undefined;
      this._fork ??= fork(this.entrypoint, [], {
        env: { ...this.env },
        execArgv: [],
        stdio: 'pipe',
        serialization: 'advanced',
      });
    }
    async answer(): Promise<unknown> {
      const child = this._fork;
      if (child === undefined) throw new Error('not started');
      const said = new Promise((done) => child.once('message', done));
      child.send({ type: 'start' });
      const answer = await said;
      const gone = new Promise((done) => child.once('exit', done));
      child.kill('SIGKILL');
      await gone;
      return answer;
    }
  }

  // @verifies AC-orchestrator-warm-spare
  it('is not taken before it listens, whoever asks early gets a process of its own; later it serves with the environment of that moment', async () => {
    const spare = spareFor(Forks, folder);
    try {
      const run = async (given: string): Promise<{ readonly reused: boolean; readonly answer: unknown }> => {
        const worker = new Forks({ PATH: process.env['PATH'], COHERENCE_GIVEN: given, GIVEN: 'same' });
        await worker.start();
        return { reused: worker.reused, answer: await worker.answer() };
      };
      const expected = { type: 'started', given: 'same', words: 0 };
      expect(await run('first')).toEqual({ reused: false, answer: expected });
      spare.prepare();
      // At this very moment the spare has been forked and cannot have said that it listens.
      expect(await run('early')).toEqual({ reused: false, answer: expected });
      const later = await until(async () => {
        const found = await run('later');
        return found.reused ? found : null;
      }, 'the spare');
      expect(later.answer).toEqual(expected);
      expect((await run('after')).reused).toBe(false);
    } finally {
      spare.close();
    }
  });
});

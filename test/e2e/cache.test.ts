/**
 * Soundness of the verdict cache and of `--changed`, by mutation: each mutation of a small project is verified from the cache and
 * without it, and selected by change. No cached PASS may stand where a run without the cache is red, and nothing red may be left out.
 * CI runs this list once; `npm run mutations -- --count 500 --seed N` composes random ones on the same projects.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUITES } from '../rig/mutation-suites.js';
import { installHere, testProject, verdicts, type TestProject } from '../rig/project.js';

it('there are 60 mutations', () => expect(SUITES.reduce((sum, suite) => sum + suite.mutations.length, 0)).toBeGreaterThanOrEqual(60));

describe.each(SUITES)('$name', ({ files, mutations, npm }) => {
  let project: TestProject;
  beforeAll(async () => {
    project = await testProject(files);
    if (npm) await installHere(project);
    await project.commit('start');
    const first = await project.verify();
    expect(Object.values(verdicts(first.record)).every((verdict) => verdict === 'PASS(executed)'), JSON.stringify(verdicts(first.record))).toBe(true);
  });
  afterAll(async () => project[Symbol.asyncDispose]());

  // @verifies AC-gate-cache-sound, AC-gate-cache-hits, AC-gate-changed-sound
  it.each(mutations)('$name', async ({ files: changed, remove, env, hits, misses }) => {
    try {
      await project.write(changed ?? {});
      for (const path of remove ?? []) await project.run(['rm', path]);
      const options = env === undefined ? {} : { env };
      const cached = verdicts((await project.verify([], options)).record);
      const selected = env === undefined ? verdicts((await project.verify(['--changed=HEAD', '--no-cache'], options)).record) : null;
      const honest = verdicts((await project.verify(['--no-cache'], options)).record);
      for (const [id, verdict] of Object.entries(honest)) {
        if (verdict.startsWith('PASS')) continue;
        expect([id, cached[id]?.startsWith('PASS')]).toEqual([id, false]);
        if (selected !== null) expect([id, selected[id]]).toEqual([id, verdict]);
      }
      for (const id of misses ?? []) expect([id, cached[id]]).toEqual([id, 'PASS(executed)']);
      for (const id of hits ?? []) expect([id, cached[id]]).toEqual([id, 'PASS(cached)']);
    } finally {
      await project.git('checkout', '-q', '--', '.');
      await project.git('clean', '-qfd', '-e', 'node_modules', '-e', '.coherence', '-e', 'target');
    }
  });
});

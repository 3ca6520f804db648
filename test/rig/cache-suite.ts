/** One suite of the cache's mutations as a test file of its own, so that the three run side by side. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUITES } from './mutation-suites.js';
import { installHere, testProject, verdicts, type TestProject } from './project.js';

/**
 * Each mutation is verified from the cache and without it, and selected by change. No cached PASS may stand where a run without
 * the cache is red, and nothing red may be left out.
 */
export function describeMutations(name: 'vitest' | 'pytest' | 'cargo'): void {
  const suite = SUITES.find((candidate) => candidate.name === name);
  if (suite === undefined) throw new Error(`there is no suite ${name}`);
  const { files, mutations, npm } = suite;
  describe(name, () => {
    let project: TestProject;
    beforeAll(async () => {
      project = await testProject(files);
      if (npm) await installHere(project);
      await project.commit('start');
      const first = await project.verify();
      expect(Object.values(verdicts(first.record)).every((verdict) => verdict === 'PASS(executed)'), JSON.stringify(verdicts(first.record))).toBe(true);
    });
    afterAll(async () => project[Symbol.asyncDispose]());

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
}

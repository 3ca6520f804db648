/** One suite of the cache's mutations as a test file of its own, so that the three run side by side. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUITES, type Mutation } from './mutation-suites.js';
import { installHere, testProject, verdicts, type TestProject } from './project.js';

type Suite = (typeof SUITES)[number];

/** Declares a test for each mutation of a suite. */
export function describeMutations(name: 'vitest' | 'pytest' | 'cargo'): void {
  const suite = SUITES.find((candidate) => candidate.name === name);
  if (suite === undefined) throw new Error(`there is no suite ${name}`);
  describe(name, () => {
    let project: TestProject;
    beforeAll(async () => {
      project = await verifiedOnce(suite);
    });
    afterAll(async () => project[Symbol.asyncDispose]());

    it.each(suite.mutations)('$name', async (mutation) => {
      await judgeMutation(project, mutation);
      expect(mutation.name).not.toBe('');
    });
  });
}

/** A committed project of the suite, verified once, so that every verdict is cached. */
async function verifiedOnce({ files, npm }: Suite): Promise<TestProject> {
  const project = await testProject(files);
  if (npm) await installHere(project);
  await project.commit('start');
  const first = await project.verify();
  expect(
    Object.values(verdicts(first.record)).every((verdict) => verdict === 'PASS(executed)'),
    JSON.stringify(verdicts(first.record)),
  ).toBe(true);
  return project;
}

/**
 * Verifies a mutation from the cache and without it, and selected by change; then takes it back. No cached PASS may stand where a
 * run without the cache is red, and nothing red may be left out.
 */
async function judgeMutation(
  project: TestProject,
  { files: changed, remove, env, hits, misses }: Mutation,
): Promise<void> {
  try {
    await project.write(changed ?? {});
    for (const path of remove ?? []) await project.run(['rm', path]);
    const options = env === undefined ? {} : { env };
    const cached = verdicts((await project.verify([], options)).record);
    const selected =
      env === undefined ? verdicts((await project.verify(['--changed=HEAD', '--no-cache'], options)).record) : null;
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
}

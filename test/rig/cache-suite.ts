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

/** A committed project of the suite, verified until every verdict that may be reused is: what it makes for itself is made then. */
async function verifiedOnce({ files, npm, never }: Suite): Promise<TestProject> {
  const project = await testProject(files);
  if (npm) await installHere(project);
  await project.commit('start');
  const first = verdicts((await project.verify()).record);
  expect(new Set(Object.values(first)), JSON.stringify(first)).toEqual(new Set(['PASS(executed)']));
  await project.verify();
  const cached = (await planOf(project)).cached.flatMap((entry) => entry.criteria);
  expect(cached.sort()).toEqual(
    Object.keys(first)
      .filter((id) => !never.includes(id))
      .sort(),
  );
  return project;
}

interface PlanView {
  readonly batches: readonly { readonly cases: readonly { readonly criteria: readonly string[] }[] }[];
  readonly cached: readonly { readonly criteria: readonly string[] }[];
  readonly skipped: readonly { readonly criterion: string }[];
}

async function planOf(
  project: TestProject,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<PlanView> {
  const answer = await project.coherence(['verify', '--dry-run', '--json', ...args], { env });
  expect(answer.out, answer.err).not.toBe('');
  return answer.json<PlanView>();
}

/**
 * Plans a mutation from the cache and selected by change; then takes it back. No analysis says what a mutation cannot reach, so
 * after each one no verdict is taken from the cache and none is left out.
 */
async function judgeMutation(project: TestProject, { files: changed, remove, env }: Mutation): Promise<void> {
  try {
    await project.write(changed ?? {});
    for (const path of remove ?? []) await project.run(['rm', path]);
    expect((await planOf(project, [], env)).cached).toEqual([]);
    if (env !== undefined) return;
    const all = await planOf(project, ['--no-cache']);
    const selected = await planOf(project, ['--no-cache', '--changed=HEAD']);
    expect(criteriaOf(selected)).toEqual(criteriaOf(all));
  } finally {
    await project.git('checkout', '-q', '--', '.');
    await project.git('clean', '-qfd', '-e', 'node_modules', '-e', '.coherence', '-e', 'target');
  }
}

const criteriaOf = (plan: PlanView): string[] =>
  [
    ...new Set([
      ...plan.batches.flatMap((batch) => batch.cases.flatMap((entry) => entry.criteria)),
      ...plan.skipped.map((entry) => entry.criterion),
    ]),
  ].sort();

/**
 * Soundness of the verdict cache and of `--changed`, by mutation of a small vitest project.
 * CI runs this list once; `npm run mutations -- --count 500 --seed N` composes random ones on the same projects.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeMutation, suiteNamed, verifiedOnce } from '../rig/cache-suite.js';
import { SUITES } from '../rig/mutation-suites.js';
import type { TestProject } from '../rig/project.js';

const suite = suiteNamed('vitest');

it('there are 60 mutations', () => expect(SUITES.reduce((sum, { mutations }) => sum + mutations.length, 0)).toBeGreaterThanOrEqual(60));

describe('vitest', () => {
  let project: TestProject;
  beforeAll(async () => {
    project = await verifiedOnce(suite);
  });
  afterAll(async () => project[Symbol.asyncDispose]());

  // @verifies AC-gate-cache-sound, AC-gate-cache-hits, AC-gate-changed-sound
  it.each(suite.mutations)('$name', async (mutation) => {
    await judgeMutation(project, mutation);
    expect(mutation.name).not.toBe('');
  });
});

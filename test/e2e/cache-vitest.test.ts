/**
 * Soundness of the verdict cache and of `--changed`, by mutation of a small vitest project.
 * CI runs this list once; `npm run mutations -- --count 500 --seed N` composes random ones on the same projects.
 */
import { expect, it } from 'vitest';
import { describeMutations } from '../rig/cache-suite.js';
import { SUITES } from '../rig/mutation-suites.js';

it('there are 60 mutations', () =>
  expect(SUITES.reduce((sum, { mutations }) => sum + mutations.length, 0)).toBeGreaterThanOrEqual(60));

// @verifies AC-gate-cache-sound, AC-gate-cache-hits, AC-gate-changed-sound, AC-reuse-selects-all
describeMutations('vitest');

/** A seeded slice of the random mutations; `npm run test:deep` runs a thousand of them. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { capture } from '../../src/util/process.js';
import { ROOT } from '../rig/project.js';

// @verifies AC-gate-cache-sound, AC-gate-changed-sound
it.each([{ suite: 'vitest' }, { suite: 'pytest' }, { suite: 'cargo' }])(
  'random changes of the $suite project take no stale verdict and leave nothing red out',
  async ({ suite }) => {
    const answer = await capture({
      command: [
        process.execPath,
        join(ROOT, 'scripts', 'mutations.mjs'),
        '--suite',
        suite,
        '--count',
        '4',
        '--seed',
        '14',
      ],
      cwd: ROOT,
      env: process.env,
    });
    expect(answer.end.code, answer.stdout + answer.stderr).toBe(0);
    expect(answer.stdout).toContain(' 0 violations');
  },
);

import { expect, it } from 'vitest';
import { ownPaths } from '../../src/app/verify/worktree.js';

const PATHS = [
  'package.json',
  '.coherence/project.toml',
  'fixtures/shop/.coherence/project.toml',
  'fixtures/shop/web/package-lock.json',
  'packages/a/package-lock.json',
];

// @verifies AC-gate-pushed-commit
it('dependencies of projects below this one are none of its own', () => {
  expect(ownPaths(PATHS, '')).toEqual(['package.json', '.coherence/project.toml', 'packages/a/package-lock.json']);
  // The project itself may be a folder of the repository.
  expect(ownPaths(PATHS, 'fixtures/shop')).toEqual(PATHS);
});

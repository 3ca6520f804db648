import { defineConfig } from 'vitest/config';

/**
 * Two projects: `unit` needs nothing but Node and stays under a minute; `real` drives the built program with real back ends
 * (git, cargo, pytest, go, Dolt, dockerd) and skips with a reason what a machine lacks, unless CI=true.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/**/*.real.test.ts'],
          testTimeout: 20_000,
          pool: 'forks',
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/**/*.real.test.ts', 'test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          pool: 'forks',
          fileParallelism: true,
          maxWorkers: 2,
          // A group of its own: vitest wants one for projects that differ in workers.
          sequence: { groupOrder: 1 },
          // Real servers and signals on a shared machine: one second chance in CI, shown by the reporter; none anywhere else.
          retry: process.env['CI'] === 'true' ? 1 : 0,
        },
      },
    ],
  },
});

/** docs/coverage-report.md is made by `npm run coverage-report`; what it lists must be what specs/ promises. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

// @verifies AC-coverage-own-report
it('the coverage report in the docs lists exactly the criteria of specs/ (else: npm run coverage-report)', () => {
  const promised = readdirSync(join(ROOT, 'specs'))
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) =>
      [...readFileSync(join(ROOT, 'specs', name), 'utf8').matchAll(/^\s*- id: (AC-\S+)$/gmu)].map(
        (match) => match[1] ?? '',
      ),
    );
  const report = readFileSync(join(ROOT, 'docs', 'coverage-report.md'), 'utf8');
  const listed = [...report.matchAll(/^\| (AC-\S+) \|/gmu)].map((match) => (match[1] ?? '').replaceAll('\\', ''));
  expect(promised.length).toBeGreaterThan(100);
  expect(listed.toSorted()).toEqual(promised.toSorted());
});

import type { FoundTest } from '../model/index.js';

/**
 * Tests of one file that have one selector know of each other: only a report that names its place tells which of them ran.
 * A title that only a run knows makes no twin: its selector is none.
 */
export function withTwins(tests: readonly FoundTest[]): readonly FoundTest[] {
  const lines = new Map<string, number[]>();
  const keyOf = (test: FoundTest): string | null =>
    test.kind === 'file' || test.dynamic ? null : `${test.kind} ${test.selector}`;
  for (const test of tests) {
    const key = keyOf(test);
    if (key === null) continue;
    const known = lines.get(key);
    if (known === undefined) lines.set(key, [test.line]);
    else known.push(test.line);
  }
  if (lines.size === tests.length) return tests;
  return tests.map((test) => {
    const twins = lines.get(keyOf(test) ?? '') ?? [];
    return twins.length > 1 ? { ...test, twins: twins.toSorted((left, right) => left - right) } : test;
  });
}

import { RUNNER_OF, type FoundTest, type RunnerName, type Scan } from '../../model/index.js';

/** The runner of a file's statically found tests; null when it has none or they differ. */
export function runnerOfFile(scan: Scan): (file: string) => RunnerName | null {
  const byFile = new Map<string, RunnerName | null>();
  for (const file of scan.files) {
    const runners = new Set(file.tests.filter((test) => test.kind !== 'file').map((test) => RUNNER_OF[test.framework]));
    byFile.set(file.file, runners.size === 1 ? ([...runners][0] ?? null) : null);
  }
  return (file) => byFile.get(file) ?? null;
}

/** The tests found in a file, as the plan asks for them. */
export function testsOfFile(scan: Scan): (file: string) => readonly FoundTest[] {
  const byFile = new Map(scan.files.map((found) => [found.file, found.tests]));
  return (file) => byFile.get(file) ?? [];
}

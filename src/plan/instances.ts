/**
 * A test that gives several reports, or one whose title only a run knows, is known by its lines. Where a wrapper declares it,
 * its reports name a line that other calls of the wrapper share, or none: then titles must tell them apart, and this says which.
 */
import type { FoundTest, Instances, Titles } from '../model/index.js';

/** @param file all tests of the test's file */
export function instancesOf(test: FoundTest, file: readonly FoundTest[]): Instances | undefined {
  const at = test.reportedAt;
  if (test.kind !== 'case' || !(test.dynamic || test.parametrised) || at === undefined || at.file !== test.file) return undefined;
  const others = file.filter((other) => other !== test && other.kind === 'case' && (at.line === null || mayStandAt(other, at.line)));
  return { line: at.line, own: titlesOf(test, file), others: others.map((other) => titlesOf(other, file)) };
}

const mayStandAt = (test: FoundTest, line: number): boolean =>
  test.reportedAt === undefined ? test.line <= line && line <= test.endLine : test.reportedAt.line === line;

function titlesOf(test: FoundTest, file: readonly FoundTest[]): Titles {
  // What is below a suite of unknown title need not be marked as dynamic itself.
  const unknown = file.filter((suite) => suite.kind === 'suite' && suite.dynamic && isAround(suite, test)).map((suite) => suite.path.length - 1);
  return {
    path: test.path,
    known: Math.min(test.dynamic ? test.path.length - 1 : test.path.length, ...unknown),
    parametrised: test.parametrised,
    placed: test.reportedAt?.line !== null,
    skipped: test.skip !== undefined && test.skip !== 'conditional',
  };
}

const isAround = (suite: FoundTest, test: FoundTest): boolean =>
  suite.path.length < test.path.length && suite.path.every((title, i) => title === test.path[i]) && suite.line <= test.line && test.line <= suite.endLine;

/**
 * A test that gives several reports, or one whose title only a run knows, is known by its lines. Where a wrapper declares it,
 * its reports name a line that other calls of the wrapper share, or none: then titles must tell them apart, and this says which.
 */
import type { Case, FoundTest, Instances, Titles } from '../model/index.js';

/**
 * What a case of a test that a wrapper declares says about its reports.
 * @param file all tests of the test's file
 */
export function wrappedIn(test: FoundTest, file: readonly FoundTest[]): Pick<Case, 'instances' | 'twins'> {
  const instances = instancesOf(test, file);
  const twins = twinsOf(test, file);
  return { ...(instances === undefined ? {} : { instances }), ...(twins === undefined ? {} : { twins }) };
}

function instancesOf(test: FoundTest, file: readonly FoundTest[]): Instances | undefined {
  const at = test.reportedAt;
  if (test.kind !== 'case' || !(test.dynamic || test.parametrised) || at === undefined) return undefined;
  const others = file.filter(
    (other) => other !== test && other.kind === 'case' && (at.line === null || mayStandAt(other, at)),
  );
  return { line: at.line, own: titlesOf(test, file), others: others.map((other) => titlesOf(other, file)) };
}

type Place = NonNullable<FoundTest['reportedAt']>;

function mayStandAt(test: FoundTest, { file, line }: Place): boolean {
  if (test.reportedAt !== undefined) return test.reportedAt.file === file && test.reportedAt.line === line;
  return test.file === file && line !== null && test.line <= line && line <= test.endLine;
}

/**
 * How many tests of the file, itself included, have a test's titles and the place where a wrapper's tests are reported; undefined
 * when it is the only one. Nothing tells their reports apart.
 */
function twinsOf(test: FoundTest, file: readonly FoundTest[]): number | undefined {
  const at = test.reportedAt;
  if (test.kind !== 'case' || test.dynamic || test.parametrised || at === undefined) return undefined;
  const twins = file.filter(
    (other) =>
      other.kind === 'case' &&
      other.path.length === test.path.length &&
      other.path.every((title, i) => title === test.path[i]) &&
      other.reportedAt?.file === at.file &&
      other.reportedAt.line === at.line,
  );
  return twins.length > 1 ? twins.length : undefined;
}

export function titlesOf(test: FoundTest, file: readonly FoundTest[]): Titles {
  // What is below one of unknown title need not be marked as dynamic itself.
  const unknown = file
    .filter((outer) => outer.kind !== 'file' && outer.dynamic && isAround(outer, test))
    .map((outer) => outer.path.length - 1);
  return {
    path: test.path,
    known: Math.min(test.dynamic ? test.path.length - 1 : test.path.length, ...unknown),
    parametrised: test.parametrised,
    placed: test.reportedAt?.line !== null,
    skipped: test.skip !== undefined && test.skip !== 'conditional',
  };
}

const isAround = (outer: FoundTest, test: FoundTest): boolean =>
  outer.path.length < test.path.length &&
  outer.path.every((title, i) => title === test.path[i]) &&
  outer.line <= test.line &&
  test.line <= outer.endLine;

/**
 * Which other tests of a file a report may speak of when its titles are those of a case: the branches of one `if`, a pattern of
 * `each` that fits, a title that only a run knows. Runners in JavaScript say where a test stands, and that decides between them.
 */
import type { FoundTest, Rival, Titles } from '../model/index.js';
import { mayMeet, titlePattern } from '../util/titles.js';
import { titlesOf } from './instances.js';

interface Titled {
  readonly test: FoundTest;
  readonly titles: Titles;
}

/** The tests and suites of one file, found by their titles: those whose titles are known as they stand here, and the others. */
interface Index {
  readonly exact: ReadonlyMap<string, readonly Titled[]>;
  readonly loose: readonly Titled[];
  readonly of: ReadonlyMap<FoundTest, Titles>;
}

const isExact = (titles: Titles): boolean => !titles.parametrised && titles.known === titles.path.length;
const keyOf = (path: readonly string[]): string => JSON.stringify(path);

/** A file's tests are one list, made once; its index lives as long. */
const indexes = new WeakMap<readonly FoundTest[], Index>();

function indexOf(file: readonly FoundTest[]): Index {
  const ready = indexes.get(file);
  if (ready !== undefined) return ready;
  const exact = new Map<string, Titled[]>();
  const loose: Titled[] = [];
  const of = new Map<FoundTest, Titles>();
  const unknown = file.filter((test) => test.dynamic);
  for (const test of file) {
    if (test.kind === 'file') continue;
    const titles = titlesOf(test, unknown);
    of.set(test, titles);
    if (!isExact(titles)) loose.push({ test, titles });
    else {
      const list = exact.get(keyOf(test.path));
      if (list === undefined) exact.set(keyOf(test.path), [{ test, titles }]);
      else list.push({ test, titles });
    }
  }
  const index = { exact, loose, of };
  indexes.set(file, index);
  return index;
}

/** Whether one report may have both titles. */
function mayCoincide(left: Titles, right: Titles): boolean {
  if (left.path.length !== right.path.length) return false;
  return left.path.every((title, i) => {
    const other = right.path[i] ?? '';
    if (i >= left.known || i >= right.known) return true;
    if (!left.parametrised && !right.parametrised) return title === other;
    if (left.parametrised && right.parametrised) return mayMeet(title, other);
    const [pattern, text] = left.parametrised ? [title, other] : [other, title];
    return new RegExp(`^${titlePattern(pattern)}$`).test(text);
  });
}

const isSame = (left: FoundTest, right: FoundTest): boolean =>
  left.line === right.line && left.column === right.column && left.selector === right.selector;

/** @param file all tests of the test's file, itself among them */
export function rivalsOf(test: FoundTest, file: readonly FoundTest[]): readonly Rival[] {
  const { exact, loose, of } = indexOf(file);
  const own = of.get(test) ?? titlesOf(test, file);
  const plain = isExact(own) ? (exact.get(keyOf(test.path)) ?? []) : [...exact.values()].flat();
  return [...plain, ...loose]
    .filter((other) => !isSame(other.test, test) && other.test.kind === test.kind && mayCoincide(own, other.titles))
    .map(({ test: { file: name, line, column, endLine, reportedAt } }) => ({
      file: name,
      line,
      column,
      endLine,
      ...(reportedAt === undefined ? {} : { reportedAt }),
    }));
}

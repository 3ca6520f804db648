/**
 * The reports of a test that a wrapper declares and that gives several, or one of unknown title. No line of its own tells them:
 * those at the wrapper's line, or at none, are looked at, and titles say whose they are. What may be its own counts, so that an
 * instance of an unexpected title is not lost; but only a report that can be no other test's shows that it ran at all.
 */
import type { Instances, Titles } from '../model/index.js';
import { titlePattern } from '../util/titles.js';

/** What is looked at of a report. */
interface Reported {
  readonly path: readonly string[];
  readonly line: number | null;
  readonly state: string;
}

type Fits = (path: readonly string[]) => boolean;

function fitting({ path, known, parametrised }: Titles): Fits {
  const patterns = path.slice(0, known).map((title) => (parametrised ? new RegExp(`^${titlePattern(title)}$`) : title));
  return (titles) =>
    titles.length === path.length &&
    patterns.every((pattern, i) =>
      typeof pattern === 'string' ? pattern === titles[i] : pattern.test(titles[i] ?? ''),
    );
}

const isExact = (titles: Titles): boolean => !titles.parametrised && titles.known === titles.path.length;

/** @param inFile all reports of the case's file */
export function reportsOfInstances<R extends Reported>(
  { line, own, others }: Instances,
  inFile: readonly R[],
): readonly R[] | 'ambiguous' {
  // Where the runner names lines, a test that has one is none of those without.
  const namesLines = inFile.some((report) => report.line !== null);
  const rivals = others
    .filter((other) => line !== null || !namesLines || !other.placed)
    .map((titles) => ({ titles, fits: fitting(titles) }));
  const isOwn = fitting(own);
  const certain: R[] = [];
  const possible: R[] = [];
  for (const report of inFile) {
    if (report.line !== line) continue;
    const claims = rivals.filter((rival) => rival.fits(report.path));
    const fits = isOwn(report.path);
    if (fits && claims.length === 0) certain.push(report);
    else if (claims.length === 0) possible.push(report);
    else if (fits && !claims.some(({ titles }) => isExact(titles) && isAsDeclared(report, titles)))
      possible.push(report);
  }
  if (certain.length > 0) return [...certain, ...possible];
  return possible.length > 0 ? 'ambiguous' : [];
}

/** A report under another test's very title is that test's, as long as leaving it out can hide no failure and no skip. */
const isAsDeclared = (report: Reported, titles: Titles): boolean =>
  report.state === 'passed' || (report.state === 'skipped' && titles.skipped);

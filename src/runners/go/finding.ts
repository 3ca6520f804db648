/** Events of a package × one case → what the case came to: the definition that carries the tag, not just its name. */
import { settle, type TestReport } from '../../run/join.js';
import type { Finding } from '../../run/outcome.js';
import type { GoReports } from './reports.js';
import { isOf, type Wanted } from './select.js';

export interface Definition {
  /** The file is of the external test package, whose tests run after the internal ones. */
  readonly external: boolean;
  /** The package has both. */
  readonly both: boolean;
  /** How many test functions of that name the test binary says it has; null: it was not asked. */
  readonly definitions: (name: string) => number | null;
}

const ambiguous = (detail: string): Finding => ({ reason: 'ambiguous-selector', detail });
const allPassed = (reports: readonly TestReport[]): boolean => reports.every((report) => report.state === 'passed');

/** The round of the test function that is the case's own; null when there is but one, or a finding when nobody can tell. */
function roundOf(wanted: Wanted, reports: GoReports, of: Definition): number | null | Finding {
  const name = wanted.name.split('/', 1)[0] ?? '';
  const test = reports.tests.get(name);
  const count = test?.runs.length ?? 0;
  if (test === undefined || count <= 1) return null;
  const declared = of.definitions(name) ?? 1;
  if (declared !== count)
    return { reason: 'not-reported', detail: `${name} was reported ${count} times, and there are ${declared} of it` };
  if (!of.both || count !== 2 || test.mixed)
    return allPassed(reports.reports(name, wanted.entry.file))
      ? null
      : ambiguous(`${count} tests are called ${name} here, and their reports do not say which is which`);
  return of.external ? 1 : 0;
}

export function findingOf(wanted: Wanted, reports: GoReports, of: Definition): Finding | null {
  const { entry, name, isFamily } = wanted;
  if (name === '')
    return settle(
      [...reports.tests.keys()].flatMap((other) => (other.includes('/') ? [] : reports.reports(other, entry.file))),
    );
  const round = roundOf(wanted, reports, of);
  if (round !== null && typeof round === 'object') return round;
  if (!isFamily) return settle(reports.reports(name, entry.file, round));
  const family = reports
    .namesBelow(name, (other) => isOf(wanted, other))
    .filter((other) => reports.reports(other, entry.file, round).length > 0);
  const turn = entry.test?.turn ?? { name: round === null ? name : null, of: 1 };
  const all = family.flatMap((other) => reports.reports(other, entry.file, round));
  if (family.length === 0) return null;
  // The second function of one name numbers its subtests on from the first one's.
  if (round === null && turn.name !== null && family.length === turn.of)
    return settle(reports.reports(turn.name, entry.file));
  if (round !== null && turn.of === 1 && family.length === 1) return settle(all);
  const told = settle(all);
  // Every one of them passed, and no fewer ran than the source has: the tagged one is among them.
  if (told === null || (told.reason === 'executed' && family.length >= turn.of)) return told;
  return ambiguous(
    `${turn.of} subtests of ${entry.file} are called ${name} and ${family.length} ran (${told.detail}); give each a title of its own`,
  );
}

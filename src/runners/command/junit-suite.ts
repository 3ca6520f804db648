/**
 * The suites of a JUnit report → counts. A suite says how many tests, failures and skips it has; where that contradicts
 * the cases that it lists, the worse of the two is believed.
 */
import { counted } from '../../util/text.js';
import { addCounts, NO_COUNTS, sumCounts, type Counts } from './counts.js';
import { attribute, elements, messageOf, nameOf, stateOfCase, type Xml } from './junit-case.js';

/** What a suite lists, for comparison with what it says. */
interface Listed {
  readonly counts: Counts;
  /** Test cases directly in it, and suites directly in it. */
  readonly own: number;
  readonly suites: number;
  /** All test cases below it. */
  readonly all: number;
}

const unreported = (detail: string): Counts => ({ ...NO_COUNTS, trouble: { reason: 'not-reported', detail } });

function countsOfCase(test: Xml): Counts {
  const state = stateOfCase(test);
  switch (state.state) {
    case 'passed':
      return { ...NO_COUNTS, passed: 1, ...(state.flaky === undefined ? {} : { flaky: state.flaky }) };
    case 'skipped':
      return { ...NO_COUNTS, skipped: 1 };
    case 'failed':
      return { ...NO_COUNTS, failures: [nameOf(test)], message: state.text };
    case 'unknown':
      return unreported(state.text);
  }
}

/** A number that a suite gives; null where it gives none. */
function numberIn(suite: Xml, name: string): number | null {
  const text = attribute(suite, name).trim();
  return text === '' ? null : Number(text);
}

/**
 * What a suite's numbers say beyond its cases. Tools count in their own ways: with or without skipped tests, with nested
 * suites as tests (node:test), with the cases of nested suites or without; each of these is right.
 */
function contradictions(suite: Xml, listed: Listed): Counts {
  const label = attribute(suite, 'name') || 'a suite';
  const { counts } = listed;
  const numbers = ['tests', 'failures', 'errors', 'skipped', 'disabled'].map(
    (name) => [name, numberIn(suite, name)] as const,
  );
  const odd = numbers.find(([, value]) => value !== null && (!Number.isInteger(value) || value < 0));
  if (odd !== undefined) return unreported(`${label}: ${odd[0]}="${attribute(suite, odd[0])}" is no number of tests`);
  const said = new Map(numbers.map(([name, value]) => [name, value ?? 0]));
  const of = (name: string): number => said.get(name) ?? 0;
  const bad = of('failures') + of('errors');
  if (bad > 0 && counts.failures.length === 0)
    return {
      ...NO_COUNTS,
      failures: [label],
      message: `${label} says that it has ${counted(of('failures'), 'failure')} and ${counted(of('errors'), 'error')}, and lists none`,
    };
  const skipped = Math.max(of('skipped'), of('disabled'));
  const more = skipped > counts.skipped ? skipped - counts.skipped : 0;
  const tests = numberIn(suite, 'tests');
  const right = [listed.all, listed.own, listed.own + listed.suites, listed.all + more, listed.own + more];
  const fits = tests === null || right.some((value) => tests === value || tests === value - counts.skipped);
  if (!fits) return unreported(`${label} says that it has ${counted(tests, 'test')} and lists ${listed.all}`);
  // A test that did not run, and nobody says which one: none of those listed is known to be another.
  return more === 0 ? NO_COUNTS : { ...NO_COUNTS, skipped: more };
}

/** Errors and failures that stand in the suite itself and in no test: a set-up that died. */
function ownFailures(suite: Xml): Counts {
  const bad = elements(suite, 'error', 'failure')[0];
  const label = attribute(suite, 'name') || 'a suite';
  const skips = elements(suite, 'skipped').length;
  return addCounts(
    bad === undefined ? NO_COUNTS : { ...NO_COUNTS, failures: [label], message: `${label}: ${messageOf(bad)}` },
    skips === 0 ? NO_COUNTS : { ...NO_COUNTS, skipped: skips },
  );
}

/** All that a suite (or the root) reports. The parser bounds how deep suites may nest. */
export function listSuite(suite: Xml): Listed {
  const inner = elements(suite, 'testsuite').map(listSuite);
  const cases = elements(suite, 'testcase').map(countsOfCase);
  const counts = sumCounts([...inner.map((item) => item.counts), ...cases, ownFailures(suite)]);
  const listed: Listed = {
    counts,
    own: cases.length,
    suites: inner.length,
    all: cases.length + inner.reduce((sum, item) => sum + item.all, 0),
  };
  return { ...listed, counts: addCounts(counts, contradictions(suite, listed)) };
}

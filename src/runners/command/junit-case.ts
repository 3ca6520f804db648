/**
 * One `<testcase>` of a JUnit report → what it came to. Tools say it in child elements, in the attributes `status` and
 * `result`, or in both; the worst of all that is said counts, and a word that nobody knows is no pass.
 */
import { clip } from '../../util/text.js';

export type Xml = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Xml => typeof value === 'object' && value !== null;

/** The elements of one name below a node, in order. */
export const elements = (parent: Xml, ...names: readonly string[]): Xml[] =>
  names.flatMap((name) => {
    const value = parent[name];
    const items: unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
    return items.map((item) => (isNode(item) ? item : { '#text': item }));
  });

export const attribute = (node: Xml, name: string): string => {
  const value = node[`@${name}`];
  return typeof value === 'string' ? value : '';
};

export type CaseState =
  | { readonly state: 'passed'; readonly flaky?: string }
  | { readonly state: 'skipped' }
  | { readonly state: 'failed'; readonly text: string }
  | { readonly state: 'unknown'; readonly text: string };

type Word = 'passed' | 'skipped' | 'failed';

/** GoogleTest, CTest, Bazel, behave, Behat, Katalon, NUnit: what their attributes say, in lower case and letters alone. */
const WORDS: ReadonlyMap<string, Word> = new Map([
  ...['run', 'completed', 'passed', 'pass', 'success', 'successful', 'succeeded', 'ok', 'executed'].map(
    (word) => [word, 'passed'] as const,
  ),
  ...['notrun', 'notexecuted', 'suppressed', 'skipped', 'skip', 'disabled', 'ignored', 'filtered', 'pending'].map(
    (word) => [word, 'skipped'] as const,
  ),
  ...['untested', 'undefined', 'todo', 'inconclusive', 'blocked', 'excluded'].map((word) => [word, 'skipped'] as const),
  ...['fail', 'failed', 'failure', 'error', 'errored', 'broken', 'interrupted', 'canceled', 'cancelled'].map(
    (word) => [word, 'failed'] as const,
  ),
  ...['timeout', 'timedout', 'crashed', 'aborted'].map((word) => [word, 'failed'] as const),
]);

const wordOf = (text: string): Word | 'unknown' | null => {
  const folded = text.toLowerCase().replace(/[^a-z]/g, '');
  if (text.trim() === '') return null;
  return WORDS.get(folded) ?? 'unknown';
};

export const nameOf = (node: Xml): string =>
  [attribute(node, 'classname'), attribute(node, 'name')].filter((part) => part !== '').join(' > ');

export const messageOf = (node: Xml): string => {
  const text = node['#text'];
  return attribute(node, 'message') || (typeof text === 'string' ? text : '');
};

/** What a test case came to. A failure that only `flakyFailure` or `flakyError` tells of was followed by a pass. */
export function stateOfCase(test: Xml): CaseState {
  const failure = elements(test, 'failure', 'error', 'rerunFailure', 'rerunError')[0];
  const words = ['status', 'result'].map((name) => ({
    text: attribute(test, name),
    word: wordOf(attribute(test, name)),
  }));
  const said = (word: Word | 'unknown'): string | undefined => words.find((item) => item.word === word)?.text;
  const failed =
    said('failed') ?? (attribute(test, 'success').toLowerCase() === 'false' ? 'success="false"' : undefined);
  if (failure !== undefined || failed !== undefined)
    return {
      state: 'failed',
      text: clip(`${nameOf(test)}: ${failure === undefined ? (failed ?? '') : messageOf(failure)}`, 2000),
    };
  const notRun = attribute(test, 'executed').toLowerCase() === 'false';
  if (elements(test, 'skipped', 'disabled', 'ignored').length > 0 || said('skipped') !== undefined || notRun)
    return { state: 'skipped' };
  const unknown = said('unknown');
  if (unknown !== undefined)
    return {
      state: 'unknown',
      text: `${nameOf(test)} has the status "${clip(unknown, 60)}", which is no word that is known`,
    };
  const flaky = elements(test, 'flakyFailure', 'flakyError');
  return flaky[0] === undefined
    ? { state: 'passed' }
    : {
        state: 'passed',
        flaky: clip(`${nameOf(test)} passed after ${flaky.length} failed: ${messageOf(flaky[0])}`, 300),
      };
}

/** Candidate tests for a criterion: words in common, rare ones weighing more. A function of data; never a link by itself. */
import type { Criterion, FoundTest } from '../model/index.js';

export interface Candidate {
  readonly test: FoundTest;
  /** From 0 to 1. */
  readonly score: number;
  readonly reason: string;
}

const STOP = new Set([
  'a',
  'an',
  'the',
  'is',
  'are',
  'of',
  'to',
  'in',
  'on',
  'and',
  'or',
  'for',
  'with',
  'by',
  'it',
  'be',
  'as',
  'at',
  'from',
  'that',
  'this',
  'test',
  'tests',
  'should',
  'must',
  'ac',
  'spec',
  'ts',
  'js',
  'rs',
  'py',
  'go',
  'src',
]);
const LEAST = 0.15;

/** Words of prose, identifiers and paths as they are written: split at case and punctuation, without those that say nothing. */
const plainWords = (text: string): readonly string[] =>
  text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 1 && !STOP.has(word));

/** The same, each in the form under which it is compared. */
export const wordsOf = (text: string): readonly string[] => plainWords(text).map(stem);

/** One form for `caches`, `cached`, `caching` and `cache`, for `runs` and `running`, for `verifies` and `verify`. */
function stem(word: string): string {
  const bare = word.replace(/(?:ings?|ed|es|s)$/u, (ending) => (word.length - ending.length >= 3 ? '' : ending));
  const single = bare === word ? bare : bare.replace(/([^aeiousl])\1$/u, '$1');
  return single.length <= 3 ? single : single.replace(/(?:e|y|i)$/u, '');
}

interface Pool {
  readonly entries: readonly { readonly test: FoundTest; readonly words: ReadonlySet<string> }[];
  /** In how many tests a word occurs. */
  readonly frequency: ReadonlyMap<string, number>;
}

/** The words of a list of tests, split once however many criteria are asked about it. */
const pools = new WeakMap<readonly FoundTest[], Pool>();

function poolOf(tests: readonly FoundTest[]): Pool {
  const known = pools.get(tests);
  if (known !== undefined) return known;
  const entries = tests.map((test) => ({ test, words: new Set(wordsOf(`${test.file} ${test.path.join(' ')}`)) }));
  const frequency = new Map<string, number>();
  for (const { words } of entries) for (const word of words) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const pool = { entries, frequency };
  pools.set(tests, pool);
  return pool;
}

const bySelector = (left: FoundTest, right: FoundTest): number =>
  left.selector === right.selector ? left.line - right.line : left.selector < right.selector ? -1 : 1;

/** At most ten candidates, best first; equal scores by selector, so that the order never changes by chance. */
export function suggest(
  criterion: Criterion,
  tests: readonly FoundTest[],
  linked: readonly FoundTest[],
): readonly Candidate[] {
  const taken = new Set(linked.map((test) => `${test.selector}:${test.line}`));
  const { entries, frequency } = poolOf(tests);
  const weight = (word: string): number => Math.log(1 + (entries.length + 1) / ((frequency.get(word) ?? 0) + 1));
  // By the compared form; the reason shows the word as the criterion has it.
  const wanted = new Map(
    plainWords(`${criterion.id} ${criterion.slug ?? ''} ${criterion.title}`).map((word) => [stem(word), word]),
  );
  const total = [...wanted.keys()].reduce((sum, word) => sum + weight(word), 0);
  if (total === 0) return [];
  return entries
    .filter(({ test }) => !taken.has(`${test.selector}:${test.line}`))
    .map(({ test, words }): Candidate => {
      const common = [...wanted.keys()].filter((word) => words.has(word));
      return {
        test,
        score: common.reduce((sum, word) => sum + weight(word), 0) / total,
        reason: common.length === 0 ? '' : `in common: ${common.map((word) => wanted.get(word)).join(', ')}`,
      };
    })
    .filter((candidate) => candidate.score >= LEAST)
    .toSorted((left, right) => right.score - left.score || bySelector(left.test, right.test))
    .slice(0, 10);
}

/** Candidate tests for a criterion: words in common, rare ones weighing more. A function of data; never a link by itself. */
import type { Criterion, FoundTest } from '../model/index.js';

export interface Candidate {
  readonly test: FoundTest;
  /** From 0 to 1. */
  readonly score: number;
  readonly reason: string;
}

const STOP = new Set(['a', 'an', 'the', 'is', 'are', 'of', 'to', 'in', 'on', 'and', 'or', 'for', 'with', 'by', 'it', 'be', 'as', 'at', 'from', 'that', 'this', 'test', 'tests', 'should', 'must', 'ac', 'spec', 'ts', 'js', 'rs', 'py', 'go', 'src']);
const LEAST = 0.15;

/** Words of prose, identifiers and paths: split at case, digits and punctuation, with plural and verb endings taken off. */
export function wordsOf(text: string): readonly string[] {
  return text.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase().split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length > 1 && !STOP.has(word))
    .map((word) => word.replace(/(?:ing|ed|es|s)$/u, (ending) => (word.length - ending.length >= 3 ? '' : ending)));
}

/** At most ten candidates, best first; equal scores by selector, so that the order never changes by chance. */
export function suggest(criterion: Criterion, tests: readonly FoundTest[], linked: readonly FoundTest[]): readonly Candidate[] {
  const taken = new Set(linked.map((test) => `${test.selector}:${test.line}`));
  const pool = tests.filter((test) => !taken.has(`${test.selector}:${test.line}`)).map((test) => ({ test, words: new Set(wordsOf(`${test.file} ${test.path.join(' ')}`)) }));
  const frequency = new Map<string, number>();
  for (const { words } of pool) for (const word of words) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const weight = (word: string): number => Math.log(1 + (pool.length + 1) / ((frequency.get(word) ?? 0) + 1));
  const wanted = [...new Set(wordsOf(`${criterion.title} ${criterion.slug ?? ''} ${criterion.id}`))];
  const total = wanted.reduce((sum, word) => sum + weight(word), 0);
  if (total === 0) return [];
  return pool
    .map(({ test, words }): Candidate => {
      const common = wanted.filter((word) => words.has(word));
      return { test, score: common.reduce((sum, word) => sum + weight(word), 0) / total, reason: common.length === 0 ? '' : `in common: ${common.join(', ')}` };
    })
    .filter((candidate) => candidate.score >= LEAST)
    .toSorted((left, right) => right.score - left.score || (left.test.selector < right.test.selector ? -1 : 1))
    .slice(0, 10);
}

import { describe, expect, it } from 'vitest';
import { suggest } from '../../src/trace/index.js';
import { wordsOf } from '../../src/trace/suggest.js';
import { criterion, foundTest } from '../rig/values.js';

const test = (file: string, ...path: string[]) => foundTest({ file, path, selector: `${file} > ${path.join(' > ')}` });

const TESTS = [
  test('test/cache.test.ts', 'cache', 'survives a restart'),
  test('test/cache.test.ts', 'cache', 'is cleaned before the index'),
  test('test/queue.test.ts', 'queue', 'survives a restart of the daemon'),
  test('tests/layers.rs', 'tests', 'hit_skips_execution'),
  test('pkg/export_test.go', 'TestExportTwiceChangesNothing'),
];

describe('suggest', () => {
  // @verifies AC-suggest-ranked
  it('ranks by words in common, rare ones first, and says which', () => {
    const found = suggest(criterion({ id: 'AC-caching-restart', title: 'The cache survives restarts' }), TESTS, []);
    expect(found.map((candidate) => candidate.test.selector)).toEqual([
      'test/cache.test.ts > cache > survives a restart',
      'test/queue.test.ts > queue > survives a restart of the daemon',
      'test/cache.test.ts > cache > is cleaned before the index',
    ]);
    expect(found[0]?.reason).toBe('in common: cache, restarts, survives');
    expect(found.every((candidate) => candidate.score > 0 && candidate.score <= 1)).toBe(true);
  });

  it('reads identifiers of any case, slugs and ids', () => {
    expect(suggest(criterion({ id: 'AC-x', title: 'A hit skips the execution' }), TESTS, [])[0]?.test.path).toEqual([
      'tests',
      'hit_skips_execution',
    ]);
    expect(suggest(criterion({ id: 'AC-export-twice', title: 'Nothing changed' }), TESTS, [])[0]?.test.path).toEqual([
      'TestExportTwiceChangesNothing',
    ]);
    expect(suggest(criterion({ id: 'AC-x', title: 'x', slug: 'queue-daemon' }), TESTS, [])[0]?.test.file).toBe(
      'test/queue.test.ts',
    );
  });

  // @verifies AC-suggest-linked
  it('leaves out what is linked already and what has nothing in common', () => {
    const linked = TESTS.slice(0, 1);
    const found = suggest(criterion({ id: 'AC-caching-restart', title: 'The cache survives restarts' }), TESTS, linked);
    expect(found.map((candidate) => candidate.test)).not.toContain(TESTS[0]);
    expect(suggest(criterion({ id: 'AC-z', title: 'Colours follow the terminal' }), TESTS, [])).toEqual([]);
    expect(suggest(criterion({ id: 'AC-z', title: 'the of and' }), TESTS, [])).toEqual([]);
    expect(suggest(criterion(), [], [])).toEqual([]);
  });

  // @verifies AC-suggest-order
  it('gives the same order whatever the order of the tests', () => {
    const wanted = criterion({ id: 'AC-x', title: 'survives a restart' });
    const order = (tests: typeof TESTS): readonly string[] =>
      suggest(wanted, tests, []).map((candidate) => candidate.test.selector);
    const twins = [
      ...TESTS,
      test('test/other.test.ts', 'cache', 'survives a restart'),
      test('test/another.test.ts', 'cache', 'survives a restart'),
    ];
    expect(order(twins.toReversed())).toEqual(order(twins));
    expect(order(Array.from({ length: 30 }, (_, i) => test(`test/n${i}.test.ts`, 'survives a restart')))).toHaveLength(
      10,
    );
  });
});

describe('words', () => {
  it.each([
    ['cache caches cached caching', ['cach', 'cach', 'cach', 'cach']],
    ['run runs running', ['run', 'run', 'run']],
    ['verify verifies verified verifying', ['verif', 'verif', 'verif', 'verif']],
    ['skip skipped passes passed', ['skip', 'skip', 'pass', 'pass']],
    ['parseHTTPHeader snake_case kebab-case', ['pars', 'http', 'header', 'snak', 'cas', 'kebab', 'cas']],
  ])('%s', (text, words) => expect(wordsOf(text)).toEqual(words));
});

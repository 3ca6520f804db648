/**
 * GOFLAGS that choose which tests run, how often and in which order: a run that asks for exact tests must not obey them, or what
 * they leave out would look as if it did not exist. All that shapes the build (`-tags`, `-race`, `-mod`) or the tests (`-short`) stays.
 */

const CHOOSING = new Set(
  'run skip failfast cpu count shuffle list bench fuzz timeout json o memprofile c n test2json'.split(' '),
);

/** The words of a GOFLAGS value as the go command splits it: at white space, quotes only around a whole word. */
export function flagWords(value: string): readonly string[] {
  const words: string[] = [];
  for (let rest = value.trimStart(); rest !== ''; rest = rest.trimStart()) {
    const quote = rest.startsWith('"') || rest.startsWith("'") ? rest.charAt(0) : '';
    const close = quote === '' ? -1 : rest.indexOf(quote, 1);
    const end = close === -1 ? rest.search(/\s|$/u) : close + 1;
    words.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return words;
}

const nameOf = (word: string): string => (/^["']?--?(?:test\.)?([^=]*)/u.exec(word)?.[1] ?? '').replace(/["']$/u, '');

/** GOFLAGS for a run of exact tests; null when the value can stay as it is. */
export function harmlessFlags(value: string): string | null {
  const words = flagWords(value);
  const kept = words.filter((word) => !CHOOSING.has(nameOf(word)));
  if (kept.length === words.length) return null;
  // An empty variable would let a value of `go env -w` through.
  return kept.length === 0 ? '-count=1' : kept.join(' ');
}

/** Build tags that GOFLAGS sets, for words. */
export function tagsOf(value: string): string {
  const word = flagWords(value).findLast((one) => nameOf(one) === 'tags');
  return (word ?? '').replace(/^["']?--?tags=?/u, '').replace(/["']$/u, '');
}

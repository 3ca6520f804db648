/** What a test executable says it holds (`--list`), and which of it a case means. */
import type { Case } from '../../model/index.js';

/** Test names of `--list --format terse`. */
export const readListing = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const name = /^(.+): (?:test|bench|benchmark)$/u.exec(line)?.[1];
    return name === undefined ? [] : [name];
  });

/** The listed tests that a case means, when its file stands for `modules`: one test, the instances of a parametrised one, or all below a module. */
export function namesFor(
  one: Pick<Case, 'path'>,
  modules: readonly string[],
  listed: readonly string[],
): readonly string[] {
  const full = [...modules, ...one.path].join('::');
  if (full === '') return listed;
  if (one.path.length > 0 && listed.includes(full)) return [full];
  return listed.filter((name) => name.startsWith(`${full}::`));
}

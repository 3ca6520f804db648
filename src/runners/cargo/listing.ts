/** What a test executable says it holds (`--list`), and which of it a case means. */
import type { Case } from '../../model/index.js';
import { asText, parseObject, type JsonObject } from './json.js';

export interface ListedTest {
  readonly name: string;
  /** Where its function's name stands, the file as the compiler was given it; null where the listing does not say. */
  readonly place: { readonly path: string; readonly line: number } | null;
}

/**
 * `--list --format json`: libtest's own record of the definitions that were compiled. The format is unstable; libtest gives it on
 * stable toolchains to a process that has RUSTC_BOOTSTRAP, which no test sees since listing runs none. Null: not that format.
 */
export function readPlaces(text: string): readonly ListedTest[] | null {
  const messages = text.split('\n').flatMap((line): JsonObject[] => {
    const message = parseObject(line);
    return message === null ? [] : [message];
  });
  if (!messages.some((message) => message['event'] === 'discovery')) return null;
  return messages.flatMap((message): ListedTest[] => {
    const name = asText(message['name']);
    if (message['event'] !== 'discovered' || name === null) return [];
    const path = asText(message['source_path']);
    const line = message['start_line'];
    return [{ name, place: path === null || path === '' || typeof line !== 'number' ? null : { path, line } }];
  });
}

/** Test names of `--list --format terse`. */
export const readListing = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const name = /^(.+): (?:test|bench|benchmark)$/u.exec(line)?.[1];
    return name === undefined ? [] : [name];
  });

/** `r#async` and `async` are one name: as a file's module it is written without the mark. */
const plain = (name: string): string => name.replace(/(^|::)r#/gu, '$1');

/** The listed tests that a case means, when its file stands for `modules`: one test, the instances of a parametrised one, or all below a module. */
export function namesFor(
  one: Pick<Case, 'path'>,
  modules: readonly string[],
  listed: readonly string[],
): readonly string[] {
  const full = plain([...modules, ...one.path].join('::'));
  if (full === '') return listed;
  const exact = one.path.length > 0 ? listed.filter((name) => plain(name) === full) : [];
  return exact.length > 0 ? exact : listed.filter((name) => plain(name).startsWith(`${full}::`));
}

/**
 * Whether a listed test is the very definition that a case means. Where the source has other definitions of its name or a condition
 * on it, its place must be inside the definition; else the name alone says it (a macro may give it a place elsewhere).
 * Null: it cannot be told.
 */
export function isDefinition(
  { file, test }: Pick<Case, 'file' | 'test'>,
  place: { readonly file: string; readonly line: number } | null,
): boolean | null {
  if (test === null || (test.condition === undefined && test.twins === undefined)) return true;
  if (place === null) return test.twins === undefined ? true : null;
  if (place.file !== file && !place.file.endsWith(`/${file}`) && !file.endsWith(`/${place.file}`)) return false;
  // Attributes of a parametrised test give their own lines; those of another definition end at that one's name.
  const before = Math.max(0, ...(test.twins ?? []).filter((line) => line < test.line));
  return place.line <= test.endLine && (test.parametrised ? place.line > before : place.line >= test.line);
}

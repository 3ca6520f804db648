/**
 * Files that are not analysed whole: too large, or made to hurt. What their tags mean is unknown, and unknown is never harmless:
 * each tag becomes a link that binds to nothing, and the file gets a problem that is an error (`analysis-limit`).
 */
import type { FoundFile, LanguageName } from '../model/index.js';
import { tagsIn } from './tags.js';

/** Beyond this a file is no source, whatever its name says; nobody writes a tag into it. */
export const MAX_LOOKED_AT_BYTES = 64 * 1024 * 1024;

/** A file that was not parsed at all: its tags, found as text, and why. */
export function cutFile(file: string, language: LanguageName, bytes: Buffer, why: string): FoundFile {
  const tags = tagsIn(bytes.toString('utf8'));
  return {
    file,
    language,
    tests: [],
    links: tags.map(({ relation, id, line, column }) => ({
      file,
      line,
      column,
      relation,
      target: id,
      source: 'comment',
      binds: { kind: 'dangling', line: 1, between: `this file is ${why}` },
    })),
    symbols: [],
    problems: [{ file, line: 1, column: 1, message: `the file is ${why}`, limit: true }],
  };
}

export const tooLarge = (limit: number): string =>
  `larger than ${limit / 1024 / 1024} MiB, so it is not analysed and what its tags mean is unknown`;

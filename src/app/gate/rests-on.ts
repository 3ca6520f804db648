/** Which installations the tests of a criterion can rest on. */
import { dirname, join } from 'node:path/posix';
import type { ResolvedLink, TracedCriterion } from '../../model/index.js';
import { parseSelector } from '../../trace/index.js';
import { isBelow } from '../../util/files.js';

/** Files and folders (relative to the project) that a link leads to. A command without inputs starts in the project. */
function placesOf(link: ResolvedLink): readonly string[] {
  if (link.kind === 'manual') return [];
  if (link.kind === 'run') return ['.', ...(link.declared.inputs ?? []).map(literalFolder)];
  if (link.tests.length === 0) return [parseSelector(link.label).file];
  return link.tests.map((test) => test.file);
}

/** The part of a pattern before its first wildcard. */
function literalFolder(pattern: string): string {
  const parts = pattern.split('/');
  const wild = parts.findIndex((part) => /[*?[\]{}!]/u.test(part));
  return wild === -1 ? pattern : parts.slice(0, wild).join('/') || '.';
}

/**
 * Whether an installation in a folder (relative to the repository's top, '' is the top) can serve a test of the criterion: packages
 * are looked up from a test's own folder upwards.
 * @param prefix the project's folder in the repository
 */
export function restsOn(traced: TracedCriterion, prefix: string): (directory: string) => boolean {
  const places = traced.links.flatMap(placesOf).map((place) => join(prefix, place, 'x'));
  return (directory) => places.some((place) => isBelow(directory, dirname(place)) || directory === dirname(place));
}

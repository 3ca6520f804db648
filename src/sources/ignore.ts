/**
 * What is never a source of this project: other people's code, our own output, other projects below this one.
 */

const VENDORED: ReadonlySet<string> = new Set(['.git', 'node_modules', 'vendor', 'third_party']);

/** Evidence and folders of others. `path` is relative with `/` separators. */
export function isForeign(path: string): boolean {
  if (isEvidence(path)) return true;
  let start = 0;
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', start)) {
    if (VENDORED.has(path.slice(start, slash))) return true;
    start = slash + 1;
  }
  return false;
}

/** What runs write: never part of any source, also where somebody tracks it. */
export const isEvidence = (path: string): boolean =>
  path.startsWith('.coherence/runs/') || path.includes('/.coherence/runs/');

/** A glob as a regular expression over a whole relative path; see `ListOptions.extraIgnores`. */
export function globPattern(glob: string): RegExp {
  const anchored = glob.replace(/^\.?\//u, '').replace(/\/+$/u, '');
  const everywhere = !glob.replace(/\/+$/u, '').includes('/');
  let source = '';
  let depth = 0;
  for (let at = 0; at < anchored.length; at += 1) {
    const character = anchored.charAt(at);
    if (character === '*' && anchored.startsWith('**/', at)) {
      source += '(?:[^/]+/)*';
      at += 2;
    } else if (character === '*' && anchored.startsWith('**', at)) {
      source += '.*';
      at += 1;
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '{') {
      source += '(?:';
      depth += 1;
    } else if (character === '}' && depth > 0) {
      source += ')';
      depth -= 1;
    } else if (character === ',' && depth > 0) source += '|';
    else source += character.replace(/[.+^${}()|[\]\\]/u, '\\$&');
  }
  source += ')'.repeat(depth);
  return new RegExp(`^${everywhere ? '(?:[^/]+/)*' : ''}${source}(?:/.*)?$`, 'u');
}

/** A predicate for several globs. */
export function ignoreMatcher(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const patterns = globs.map(globPattern);
  return (path) => patterns.some((pattern) => pattern.test(path));
}

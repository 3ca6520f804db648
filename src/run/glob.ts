/** Patterns of `inputs`, `source.include` and `source.exclude`: a path, a folder (with or without a final `/`), or `*`, `**`, `?`. */
export type Matcher = (path: string) => boolean;

const SPECIAL = /[.+^${}()|[\]\\]/g;

function expression(pattern: string): RegExp {
  let source = '';
  for (let i = 0; i < pattern.length; i += 1) {
    const character = pattern.charAt(i);
    if (character === '*' && pattern[i + 1] === '*') {
      const slash = pattern[i + 2] === '/';
      source += slash ? '(?:[^/]+/)*' : '.*';
      i += slash ? 2 : 1;
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else source += character.replace(SPECIAL, '\\$&');
  }
  // What a pattern names it names with all below it.
  return new RegExp(`^${source}(?:/.*)?$`, 'su');
}

/** `.` means everything. Paths are relative to the root with `/`. */
export function matcher(pattern: string): Matcher {
  const clean = pattern.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
  if (clean === '' || clean === '.') return () => true;
  const found = expression(clean);
  return (path) => found.test(path);
}

/** True where some pattern of `include` and none of `exclude` matches. */
export function selection(include: readonly string[], exclude: readonly string[]): Matcher {
  const wanted = include.map(matcher);
  const unwanted = exclude.map(matcher);
  return (path) => wanted.some((matches) => matches(path)) && !unwanted.some((matches) => matches(path));
}

/** Paths in a file's text that may lead above its repository: what they name there is part of what tests rest on. */

const MAX_TEXT = 512 * 1024;
const CLIMBS = /(?:\.\.[/\\])+[\w@.+-]+(?:[/\\][\w@.+-]+)*/gu;

/**
 * @param bytes a file's content
 * @param depth how many folders lie between the top and the file
 * @returns the paths, as written and with `/`, that climb further than that; at most 50
 */
export function climbingPaths(bytes: Buffer, depth: number): readonly string[] {
  if (bytes.length > MAX_TEXT || !bytes.includes('..') || bytes.subarray(0, 4096).includes(0)) return [];
  const found = new Set<string>();
  for (const [text] of bytes.toString('latin1').matchAll(CLIMBS)) {
    const path = text.replaceAll('\\', '/');
    if (path.split('/').filter((part) => part === '..').length > depth && found.size < 50) found.add(path);
  }
  return [...found].sort();
}

/**
 * Selectors as people write them in `test:` links (contract, sections 2 and 3).
 * `path`, `path > suite > title` (TypeScript, JavaScript) and `path::module::name` (all others).
 */
export interface Selector {
  readonly file: string;
  readonly path: readonly string[];
}

const ARROW = ' > ';
const SCOPE = '::';

/** Splits a written selector. The first separator ends the file name, so a title may hold the other separator. */
export function parseSelector(text: string): Selector {
  const trimmed = text.trim();
  const arrow = trimmed.indexOf(ARROW);
  const scope = trimmed.indexOf(SCOPE);
  if (arrow === -1 && scope === -1) return { file: trimmed, path: [] };
  const useArrow = arrow !== -1 && (scope === -1 || arrow < scope);
  const separator = useArrow ? ARROW : SCOPE;
  const cut = useArrow ? arrow : scope;
  const rest = trimmed.slice(cut + separator.length);
  return {
    file: trimmed.slice(0, cut).trim(),
    path: rest
      .split(separator)
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  };
}

/** One spelling for comparison: white space folded, both separators the same. */
export const sameTitle = (left: string, right: string): boolean => fold(left) === fold(right);
const fold = (text: string): string => text.replace(/\s+/gu, ' ').trim();

/** Path as one comparable string. A title that itself holds a separator still equals the written form. */
export const pathKey = (path: readonly string[], separator: string): string => fold(path.join(separator));

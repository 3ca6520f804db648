import { sha256 } from '../util/hash.js';

const STRICT = /^(?:SPEC|AC)-[A-Za-z0-9][A-Za-z0-9._/-]*$/;
const MAX_STRICT = 160;
/** Longest id that is read at all (imports bring longer ones than new ids may be). */
export const MAX_ID = 256;

/** Whether an id may be given to something new: `SPEC-` or `AC-`, then letters, digits, `.`, `_`, `/`, `-`; no empty, `.` or `..` segment; at most 160 characters. */
export const isStrictId = (id: string): boolean =>
  STRICT.test(id) && id.length <= MAX_STRICT && segmentTrouble(id) === null;

/**
 * Why an id in a spec file is refused, or null. Ids that an import brought may look otherwise: they only have to be
 * printable, so that they can be quoted wherever an id is written.
 */
export function idTrouble(id: string, prefix: 'SPEC-' | 'AC-', imported: boolean): string | null {
  if (!/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}\p{Co}\p{Cn}]+$/u.test(id))
    return 'it holds characters that cannot be printed';
  if (id.trim() !== id) return 'it starts or ends with a blank';
  if (imported) return null;
  if (!id.startsWith(prefix) || id.length === prefix.length) return `it does not start with ${prefix} and a name`;
  if (id.length > MAX_STRICT) return `it is longer than ${MAX_STRICT} characters`;
  return segmentTrouble(id);
}

function segmentTrouble(id: string): string | null {
  const segments = id.slice(id.indexOf('-') + 1).split('/');
  return segments.some((segment) => segment === '' || segment === '.' || segment === '..')
    ? 'it has an empty, "." or ".." segment'
    : null;
}

/** Key for comparing ids without regard to case. */
export const foldId = (id: string): string => id.normalize('NFC').toLowerCase();

/**
 * Name of the file of a spec, below `specs/`: the id without `SPEC-`, made safe, and a hash where that changed it, so
 * that no two ids of a project share a file.
 */
export function specFileName(id: string): string {
  const name = id.startsWith('SPEC-') ? id.slice('SPEC-'.length) : id;
  const safe = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]/gu, '-')
    .slice(0, 100);
  return safe === name && id.startsWith('SPEC-') && name !== ''
    ? `${safe}.yaml`
    : `${safe}-${sha256(id).slice(0, 8)}.yaml`;
}

/** Foreign ids → ids of ours. The foreign one is kept in `source.id` and stays the one that tags and people may write. */
import { sha256 } from '../../../util/hash.js';
import { foldId } from '../../ids.js';

/** A new id has at most 160 characters; this leaves room for a prefix and a hash. */
const LONGEST = 130;
const HASH = 8;

function readable(foreign: string): string {
  const cleaned = foreign
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[^A-Za-z0-9._/-]+/gu, '-')
    .split('/')
    .map((part) => part.replace(/^[.-]+|[.-]+$/gu, ''))
    .filter((part) => part !== '')
    .join('/')
    .slice(0, LONGEST)
    .replace(/[/.-]+$/u, '');
  return /^[A-Za-z0-9]/.test(cleaned) ? cleaned : '';
}

/**
 * One native id for each foreign one, in order: what is readable of it behind the prefix. Where nothing is, or two would be
 * equal without regard to case, a hash of the foreign id follows, so that the same foreign id gives the same native id
 * whatever else the catalog holds beside it.
 *
 * @param foreign ids as the other tool writes them; equal ones are the caller's mistake to report
 */
export function nativeIds(foreign: readonly string[], prefix: 'SPEC-' | 'AC-'): ReadonlyMap<string, string> {
  const count = new Map<string, number>();
  for (const id of new Set(foreign)) {
    const key = foldId(readable(id));
    count.set(key, (count.get(key) ?? 0) + 1);
  }
  return new Map(
    foreign.map((id) => {
      const name = readable(id);
      const hash = sha256(id).slice(0, HASH);
      const isAlone = name !== '' && count.get(foldId(name)) === 1;
      return [id, prefix + (isAlone ? name : name === '' ? hash : `${name}-${hash}`)];
    }),
  );
}

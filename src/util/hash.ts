import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA-256 as lower-case hex. In one call: an object a hash costs twice as much, and a run over cached verdicts makes thousands. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'hex');

/** SHA-256 of a file's bytes, streamed. Rejects when the file cannot be read. */
export async function sha256File(path: string): Promise<string> {
  const streamed = createHash('sha256');
  for await (const chunk of createReadStream(path)) streamed.update(chunk as Buffer);
  return streamed.digest('hex');
}

/**
 * SHA-256 over fields, each length-prefixed, so that no two different lists give the same bytes
 * (`['ab','c']` and `['a','bc']` differ; null differs from the empty string).
 */
export function hashFields(fields: readonly (string | null)[]): string {
  // One text, one update: a call for each part costs more than the hash itself.
  let text = '';
  // By index: before V8 has optimised it, an iterator makes an object a step.
  for (let i = 0; i < fields.length; i += 1) {
    const field = fields[i] ?? null;
    text += field === null ? '-;' : `${Buffer.byteLength(field, 'utf8')}:${field}`;
  }
  return sha256(text);
}

/** JSON with sorted keys and no white space: equal values give equal bytes. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const record = value as Record<string, unknown>; // an object that is neither null nor a list
  let text = '';
  // The default order of `sort` is that of `<`: by UTF-16 code units.
  for (const key of Object.keys(record).sort()) {
    const item = record[key];
    if (item !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(item)}`;
  }
  return `{${text}}`;
}

/**
 * Paths are bytes, texts are not: bytes that are no UTF-8 stand as lone surrogates U+DC80 to U+DCFF, as Python does it,
 * so that every path has one text and every text its path.
 */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How many bytes from `at` are one well-formed character; 0: none. */
function characterLength(bytes: Uint8Array, at: number): number {
  for (const length of [1, 2, 3, 4]) {
    try {
      decoder.decode(bytes.subarray(at, at + length));
      return at + length <= bytes.length ? length : 0;
    } catch {
      // Cut in the middle of a character, or none at all: a longer piece will tell.
    }
  }
  return 0;
}

export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    let text = '';
    for (let at = 0; at < bytes.length;) {
      const length = characterLength(bytes, at);
      text +=
        length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : decoder.decode(bytes.subarray(at, at + length));
      at += Math.max(length, 1);
    }
    return text;
  }
}

/** What Node's file functions take for a path of an observation. */
export function bytesOf(text: string): string | Buffer {
  // With `u`, a low surrogate that belongs to a pair is part of its character and does not match.
  if (!/[\udc80-\udcff]/u.test(text)) return text;
  const parts = [...text].map((character) => {
    const code = character.codePointAt(0) ?? 0;
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character, 'utf8');
  });
  return Buffer.concat(parts);
}

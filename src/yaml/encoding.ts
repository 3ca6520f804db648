/** Bytes → text, as every reader of this room takes them. */
import { isUtf8 } from 'node:buffer';
import { failure, success, type FailureKind, type Result } from '../model/index.js';

/**
 * The text of a file; a byte order mark stays. Failure of the given kind at the first byte that is no UTF-8: a decoder that puts
 * U+FFFD in its place would change what the user wrote, in silence.
 */
export function decodeUtf8(bytes: Uint8Array, file: string, kind: FailureKind = 'invalid-spec'): Result<string> {
  const refuse = (message: string, line = 1, column = 1): Result<string> =>
    failure({ kind, message, hint: 'Save it as UTF-8.', file, line, column });
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    return refuse('The file is UTF-16, not UTF-8.');
  const broken = isUtf8(bytes) ? null : invalidUtf8At(bytes);
  if (broken !== null) return refuse('The file is not valid UTF-8.', broken.line, broken.column);
  return success(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
}

/** Where bytes stop being UTF-8 (line and column from 1, column in characters), or null when all of them are. */
function invalidUtf8At(bytes: Uint8Array): { readonly line: number; readonly column: number } | null {
  let line = 1;
  let column = 1;
  for (let i = 0; i < bytes.length;) {
    const length = sequenceLength(bytes, i);
    if (length === 0) return { line, column };
    if (bytes[i] === 0x0a) {
      line += 1;
      column = 1;
    } else column += 1;
    i += length;
  }
  return null;
}

/** Length of the well-formed sequence at `i` (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), or 0. */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const first = bytes[i] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (let k = 1; k < length; k += 1) if (((bytes[i + k] ?? 0) & 0xc0) !== 0x80) return 0;
  const second = bytes[i + 1] ?? 0;
  if (
    (first === 0xe0 && second < 0xa0) ||
    (first === 0xed && second > 0x9f) ||
    (first === 0xf0 && second < 0x90) ||
    (first === 0xf4 && second > 0x8f)
  )
    return 0;
  return length;
}

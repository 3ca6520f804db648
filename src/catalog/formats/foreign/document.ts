/** What readers of text documents share: decoding, ids and titles made from a file. */
import { success, type Result } from '../../../model/index.js';
import { decodeUtf8 } from '../../../yaml/index.js';

/** The text of a file without a byte order mark. Failure: `invalid-spec` at the first byte that is no UTF-8. */
export function decodeText(content: Uint8Array, file: string): Result<string> {
  const decoded = decodeUtf8(content, file);
  return decoded.ok ? success(decoded.value.replace(/^\ufeff/u, '')) : decoded;
}

/** What a spec's id is made from: the file's path without its ending. */
export const specIdOf = (file: string): string => file.replace(/\.[^./]+$/u, '');

/** The first heading of a document, else the name of its file. */
export function documentTitle(
  lines: readonly string[],
  titleAt: (line: string, next: string | null) => string | null,
  file: string,
): string {
  for (const [index, line] of lines.entries()) {
    const title = titleAt(line, lines[index + 1] ?? null)?.trim();
    if (title !== undefined && title !== '') return title;
  }
  return file.slice(file.lastIndexOf('/') + 1);
}

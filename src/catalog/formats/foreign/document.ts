/** What readers of text documents share: decoding, ids and titles made from a file. */
import { failure, success, type Result } from '../../../model/index.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The text of a file. Failure: `invalid-spec` at the first byte that is no UTF-8; nothing is replaced in silence. */
export function decodeText(content: Uint8Array, file: string): Result<string> {
  try {
    return success(decoder.decode(content));
  } catch {
    const before = validLength(content);
    const head = new TextDecoder().decode(content.subarray(0, before), { stream: true });
    return failure({
      kind: 'invalid-spec',
      message: `${file} is not valid UTF-8.`,
      hint: 'Save it as UTF-8.',
      file,
      line: head.split('\n').length,
      column: head.length - head.lastIndexOf('\n'),
    });
  }
}

/** How many bytes from the start on are valid, by halving. */
function validLength(content: Uint8Array): number {
  let [low, high] = [0, content.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    try {
      // A cut character at the end is no mistake of what stands before it.
      new TextDecoder('utf-8', { fatal: true }).decode(content.subarray(0, middle), { stream: true });
      low = middle;
    } catch {
      high = middle - 1;
    }
  }
  return low;
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

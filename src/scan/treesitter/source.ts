/**
 * The text of one file with its line table. Offsets and columns count UTF-16 code units, as JavaScript strings and
 * editors do; lines and columns from 1. A byte order mark is not part of the text.
 */
import type { Position } from '../../model/index.js';

export class SourceText {
  readonly file: string;
  readonly text: string;
  #lineStarts: number[] | undefined;

  constructor(file: string, bytes: Buffer) {
    this.file = file;
    const decoded = bytes.toString('utf8');
    this.text = decoded.startsWith('\uFEFF') ? decoded.slice(1) : decoded;
  }

  /** Offset of the first character of every line. */
  get lineStarts(): readonly number[] {
    if (this.#lineStarts === undefined) {
      this.#lineStarts = [0];
      for (let at = this.text.indexOf('\n'); at !== -1; at = this.text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1);
    }
    return this.#lineStarts;
  }

  lineOf(offset: number): number {
    const starts = this.lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  /** Column of an offset on its line, from 1. */
  columnOf(offset: number): number {
    return offset - (this.lineStarts[this.lineOf(offset) - 1] ?? 0) + 1;
  }

  position(offset: number): Position {
    return { file: this.file, line: this.lineOf(offset), column: this.columnOf(offset) };
  }

  slice(start: number, end: number): string {
    return this.text.slice(start, end);
  }
}

/**
 * The text of one file with its line table. Offsets and columns count UTF-16 code units, as JavaScript strings and
 * editors do; lines and columns from 1. A byte order mark is not part of the text.
 */
import type { Position } from '../../model/index.js';
import { lineAt, lineStarts } from '../../util/lines.js';

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
    this.#lineStarts ??= lineStarts(this.text);
    return this.#lineStarts;
  }

  lineOf(offset: number): number {
    return lineAt(this.lineStarts, offset) + 1;
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

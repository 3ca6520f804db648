/**
 * Output capture: both streams go to files, at most 512 KiB each. What is longer keeps its beginning and its end, cut on
 * character boundaries around a visible mark. Memory stays bounded whatever a program prints; nothing waits for a disk.
 */
import { writeFileSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { Captured } from '../../model/index.js';
import { MASK } from '../environment.js';

/** Bytes of a capture file, its mark included. */
export const CAPTURE_LIMIT = 512 * 1024;
/** Room for the mark itself. */
const MARK_ROOM = 128;
const HEAD_LIMIT = 384 * 1024;
const TAIL_LIMIT = CAPTURE_LIMIT - HEAD_LIMIT - MARK_ROOM;
/** A line longer than this reaches live listeners in shortened form; the file has it whole. */
export const LINE_LIMIT = 64 * 1024;

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** How many of the bytes are whole UTF-8 characters: a character that the end cuts in two is not counted. */
export function wholeLength(bytes: Buffer): number {
  for (let back = 1; back <= 4 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length <= back ? bytes.length : bytes.length - back;
  }
  // No character at all: not UTF-8, cut where it is.
  return bytes.length;
}

/** Replaces secrets in a stream of chunks, also where a chunk's border cuts one in two. */
export class StreamMask {
  private held = Buffer.alloc(0);
  private readonly secrets: readonly Buffer[];
  private readonly longest: number;

  constructor(secrets: readonly string[]) {
    this.secrets = [...secrets].sort((left, right) => right.length - left.length).map((secret) => Buffer.from(secret));
    this.longest = Math.max(0, ...this.secrets.map((secret) => secret.length));
  }

  push(chunk: Buffer): Buffer {
    return this.longest === 0 ? chunk : this.replace(Buffer.concat([this.held, chunk]), false);
  }

  flush(): Buffer {
    return this.replace(this.held, true);
  }

  private replace(bytes: Buffer, last: boolean): Buffer {
    const parts: Buffer[] = [];
    let from = 0;
    // A match may still begin in the last `longest - 1` bytes.
    const safe = last ? bytes.length : Math.max(0, bytes.length - this.longest + 1);
    for (;;) {
      let at = -1;
      let length = 0;
      for (const secret of this.secrets) {
        const found = bytes.indexOf(secret, from);
        if (found !== -1 && (at === -1 || found < at)) [at, length] = [found, secret.length];
      }
      if (at === -1 || at >= safe) break;
      parts.push(bytes.subarray(from, at), Buffer.from(MASK));
      from = at + length;
    }
    const end = Math.max(from, safe);
    parts.push(bytes.subarray(from, end));
    this.held = Buffer.from(bytes.subarray(end));
    return Buffer.concat(parts);
  }
}

export interface CaptureOptions {
  /** Absolute path of the capture file, written by `close`. */
  readonly file: string;
  readonly secrets?: readonly string[];
  /** Called with whole lines, decoded across chunk borders. */
  readonly onLine?: (line: string) => void;
}

/** One stream's capture. `write` takes chunks as they come; `close` writes the file. */
export class Capture {
  private readonly head: Buffer[] = [];
  private headBytes = 0;
  private tail: Buffer[] = [];
  private tailBytes = 0;
  private total = 0;
  private line = '';
  private overlong = false;
  private readonly decoder = new StringDecoder('utf8');
  private readonly mask: StreamMask;

  constructor(private readonly options: CaptureOptions) {
    this.mask = new StreamMask(options.secrets ?? []);
  }

  /** Bytes seen so far. */
  get bytes(): number {
    return this.total;
  }

  write(chunk: Buffer): void {
    this.keep(this.mask.push(chunk));
  }

  private keep(chunk: Buffer): void {
    this.total += chunk.length;
    this.lines(this.decoder.write(chunk));
    let rest = chunk;
    if (this.headBytes < HEAD_LIMIT) {
      const part = rest.subarray(0, HEAD_LIMIT - this.headBytes);
      this.head.push(Buffer.from(part));
      this.headBytes += part.length;
      rest = rest.subarray(part.length);
    }
    if (rest.length === 0) return;
    this.tail.push(Buffer.from(rest));
    this.tailBytes += rest.length;
    if (this.tailBytes > 2 * TAIL_LIMIT + MARK_ROOM) {
      const kept = Buffer.concat(this.tail).subarray(-(TAIL_LIMIT + MARK_ROOM));
      this.tail = [Buffer.from(kept)];
      this.tailBytes = kept.length;
    }
  }

  private lines(text: string): void {
    const listener = this.options.onLine;
    if (listener === undefined || text === '') return;
    const parts = text.split('\n');
    const last = parts.pop() ?? '';
    for (const part of parts) {
      this.grow(part);
      listener(this.take());
    }
    this.grow(last);
  }

  private grow(text: string): void {
    const room = LINE_LIMIT - this.line.length;
    if (text.length > room) this.overlong = true;
    this.line += text.slice(0, Math.max(0, room));
  }

  private take(): string {
    const line = this.overlong ? `${this.line}…` : this.line;
    this.line = '';
    this.overlong = false;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }

  private content(): { bytes: Buffer; truncated: boolean } {
    const head = Buffer.concat(this.head);
    const tail = Buffer.concat(this.tail);
    if (this.total <= CAPTURE_LIMIT) return { bytes: Buffer.concat([head, tail]), truncated: false };
    const first = head.subarray(0, wholeLength(head));
    let start = Math.max(0, tail.length - TAIL_LIMIT);
    for (let forward = 0; forward < 3 && isContinuation(tail[start]); forward += 1) start += 1;
    const last = tail.subarray(start);
    const mark = Buffer.from(
      `\n[… ${this.total - first.length - last.length} bytes left out: output is capped at ${CAPTURE_LIMIT / 1024} KiB …]\n`,
    );
    return { bytes: Buffer.concat([first, mark, last]), truncated: true };
  }

  /** Hands over the last partial line, writes the file (mode 0600) and says what it holds. */
  async close(): Promise<Captured> {
    this.keep(this.mask.flush());
    this.lines(this.decoder.end());
    if (this.line !== '') this.options.onLine?.(this.take());
    const { bytes, truncated } = this.content();
    writeFileSync(this.options.file, bytes, { mode: 0o600 });
    return { file: this.options.file, bytes: this.total, truncated };
  }
}

/**
 * The way from a reporter of ours, inside a test run, back to this process: files in a private folder, one a reporting
 * process, one JSON line an event. Every line carries a MAC under a key that the reporter reads and deletes before the
 * first test starts, and its number; so a test that finds the file (or prints what a report looks like) adds nothing
 * that counts, and a copied line does not count twice.
 *
 * Limit: a test inside the reporter's own process could take the key out of its memory. See docs/runners.md.
 */
import { createHmac, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { orNull } from '../../util/files.js';

/** Tells a reporter where its channel's description is: `{"key","folder","once","extra"}`. */
const CHANNEL_VARIABLE = 'COHERENCE_REPORT_CHANNEL';

export interface ReportEvent {
  /** The reporting process; a session starts with an event of its own. */
  readonly session: string;
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ChannelOptions {
  /** The reporter deletes the key once it has read it. False where several processes report in turn. */
  readonly once: boolean;
  /** Plain data for the reporter, such as what to select. */
  readonly extra?: unknown;
}

interface Source {
  /** File descriptor. */
  readonly handle: number;
  position: number;
  rest: Buffer;
  next: number;
}

/** A program under test may put anything there: a pipe is not waited for, and a link is not followed to a file without an end. */
const READING = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

const macOf = (key: string, session: string, number: number, json: string): string =>
  createHmac('sha256', key).update(`${session}\n${number}\n${json}`).digest('hex');

/** Reading side of a channel. */
export class Channel implements AsyncDisposable {
  private readonly sources = new Map<string, Source>();
  /** Lines that no reporter of ours wrote. */
  forged = 0;

  private constructor(
    private readonly key: string,
    private readonly folder: string,
    /** What the reporting program's environment needs. */
    readonly env: Readonly<Record<string, string>>,
  ) {}

  /** Makes a channel in a workspace's reports folder. */
  static async open(
    reports: { readonly inside: string; readonly host: string },
    options: ChannelOptions,
  ): Promise<Channel> {
    const name = `channel-${randomBytes(8).toString('hex')}`;
    const key = randomBytes(32).toString('hex');
    const folder = join(reports.host, name);
    // Programs in a container may have another user id; the folder above is private to us.
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const description = join(folder, 'channel.json');
    writeFileSync(
      description,
      JSON.stringify({ key, folder: `${reports.inside}/${name}`, once: options.once, extra: options.extra ?? null }),
    );
    chmodSync(description, 0o666);
    return new Channel(key, folder, { [CHANNEL_VARIABLE]: `${reports.inside}/${name}/channel.json` });
  }

  /** All events since the last call, in the order of their sessions. */
  async read(): Promise<ReportEvent[]> {
    // A program under test may have taken the folder away: then nothing is reported.
    const names = orNull(() => readdirSync(this.folder)) ?? [];
    const events: ReportEvent[] = [];
    for (const name of names.filter((item) => item.endsWith('.log')).sort()) {
      const source = this.sources.get(name) ?? this.attach(name);
      if (source !== null) this.drain(name.slice(0, -4), source, events);
    }
    return events;
  }

  private attach(name: string): Source | null {
    const handle = orNull(() => openSync(join(this.folder, name), READING));
    if (handle === null) return null;
    if (!fstatSync(handle).isFile()) {
      closeSync(handle);
      return null;
    }
    const source: Source = { handle, position: 0, rest: Buffer.alloc(0), next: 0 };
    this.sources.set(name, source);
    return source;
  }

  private drain(session: string, source: Source, events: ReportEvent[]): void {
    const buffer = Buffer.alloc(64 * 1024);
    // As far as it is written now: a test that writes on and on must not keep us from looking at the clock.
    const { size } = fstatSync(source.handle);
    while (source.position < size) {
      const bytesRead = readSync(source.handle, buffer, 0, buffer.length, source.position);
      if (bytesRead === 0) return;
      source.position += bytesRead;
      const bytes = Buffer.concat([source.rest, buffer.subarray(0, bytesRead)]);
      let from = 0;
      for (let end = bytes.indexOf(10, from); end !== -1; end = bytes.indexOf(10, from)) {
        this.take(session, source, bytes.toString('utf8', from, end), events);
        from = end + 1;
      }
      source.rest = Buffer.from(bytes.subarray(from));
    }
  }

  private take(session: string, source: Source, line: string, events: ReportEvent[]): void {
    const json = line.slice(65);
    if (line.charAt(64) !== ' ' || line.slice(0, 64) !== macOf(this.key, session, source.next, json)) {
      this.forged += 1;
      return;
    }
    source.next += 1;
    const value: unknown = JSON.parse(json);
    if (typeof value !== 'object' || value === null) return;
    const fields = value as Record<string, unknown>; // an object, by the line above; members are read as unknown
    events.push({ session, type: String(fields['type']), fields });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const source of this.sources.values()) closeSync(source.handle);
    this.sources.clear();
  }
}

/** Reading the members of an event: its own reporter wrote them, so a wrong type is as good as absent. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
export const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

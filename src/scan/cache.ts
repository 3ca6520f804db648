/**
 * What was found in files, by path and blob id: one file a project, written whole and read whole.
 *
 * An answer may hang on other files (a wrapper, a constant, a configuration's presence), so each entry names a set of facts
 * (`path` has this blob, exists, does not exist) and counts only while all of them hold. Entries of files that this tree does not
 * show are kept for a while: worktrees of one clone share the cache.
 *
 * A cache that is missing, damaged or another version's is no cache; it is never an error.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FoundFile } from '../model/index.js';
import { readRegularText } from '../util/files.js';
import { unpack } from './pack.js';

/** Raise this with every change to what an analyser finds. */
const ANALYSER_VERSION = 6;
/** Saves that an entry survives without being seen. */
const MAX_AGE = 8;

/** A fact that an answer hangs on: a blob id, `+` for a file that is there, `-` for one that is not. */
export type Facts = readonly (readonly [path: string, fact: string])[];

export interface Entry {
  readonly blob: string;
  /** Whether the file can hold links / tests at all, by the byte prefilter. */
  readonly mentions: boolean;
  readonly mayHoldTests: boolean;
  /** Packed result, absent when the file was never analysed. */
  readonly found: string | null;
  /** Key of the facts that `found` hangs on; '' when it hangs on nothing. */
  readonly facts: string;
  age: number;
}

const digest = (data: string): string => createHash('sha1').update(data).digest('hex');

declare const COHERENCE_BUILD: string | undefined;

/**
 * Version of the analysers: the constant, and the build's hash of all sources, which the bundles of one build share, so that a new
 * build never trusts an old cache. Sources that are run directly are known by this file.
 */
function version(): string {
  let build = typeof COHERENCE_BUILD === 'undefined' ? '' : COHERENCE_BUILD;
  if (build === '') {
    const { size, mtimeMs } = statSync(fileURLToPath(import.meta.url));
    build = `${size}-${mtimeMs}`;
  }
  return digest(`${ANALYSER_VERSION} ${build}`);
}

/** The cache file of a project: one for all worktrees of a clone. */
function cacheFile(root: string, folder: string): string {
  // Where it is no file: the main checkout, or no git.
  const link = readRegularText(join(root, '.git')) ?? '';
  const identity = /^gitdir: (.*)[/\\]\.git[/\\]worktrees[/\\][^/\\]+\s*$/u.exec(link)?.[1] ?? root;
  return join(folder, `scan-${digest(identity).slice(0, 16)}.cache`);
}

const LINES_AT_ONCE = 256;

/** `writeSync` may write less than it was given, on a full disk for one. */
function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
}

export class ScanCache {
  readonly #file: string | null;
  readonly #entries = new Map<string, Entry>();
  readonly #facts = new Map<string, Facts>();
  readonly #seen = new Set<string>();
  #changed = false;

  private constructor(file: string | null) {
    this.#file = file;
  }

  /**
   * Reads what earlier scans of a project found. It needs no file list, so it can be done while git makes one.
   * @param folder made when needed; null works without a cache
   */
  static open(root: string, folder: string | null): ScanCache {
    const cache = new ScanCache(folder === null ? null : cacheFile(root, folder));
    cache.#load();
    return cache;
  }

  #load(): void {
    if (this.#file === null) return;
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch {
      return;
    }
    const headerEnd = text.indexOf('\n');
    const body = text.slice(headerEnd + 1);
    if (headerEnd === -1 || text.slice(0, headerEnd) !== `coherence-scan ${version()} ${digest(body)}`) return;
    let at = 0;
    while (at < body.length) {
      const end = body.indexOf('\n', at);
      if (end === -1) break;
      this.#loadLine(body.slice(at, end));
      at = end + 1;
    }
  }

  #loadLine(line: string): void {
    const [path = '', blob = '', flags = '', facts = '', found = ''] = line.split('\t');
    if (path === '!') this.#facts.set(blob, JSON.parse(flags) as Facts); // guarded by the checksum
    else
      this.#entries.set(path, {
        blob,
        mentions: flags.charAt(0) === '1',
        mayHoldTests: flags.charAt(1) === '1',
        age: Number(flags.charAt(2)),
        facts,
        found: found === '' ? null : found,
      });
  }

  /** The entry of a path, when it is about exactly these bytes. */
  get(path: string, blob: string): Entry | null {
    const entry = this.#entries.get(path);
    if (entry === undefined || entry.blob !== blob) return null;
    this.#seen.add(path);
    return entry;
  }

  factsOf(key: string): Facts | null {
    return key === '' ? [] : (this.#facts.get(key) ?? null);
  }

  result(path: string, entry: Entry): FoundFile | null {
    if (entry.found === null) return null;
    try {
      return unpack(path, entry.found);
    } catch {
      return null;
    }
  }

  set(path: string, entry: Omit<Entry, 'age' | 'facts'> & { readonly facts: Facts }): void {
    if (this.#file === null) return;
    // Tabs and line feeds separate fields; a path with one is simply analysed every time.
    if (/[\t\n]/u.test(path)) return;
    let key = '';
    if (entry.facts.length > 0) {
      key = digest(JSON.stringify(entry.facts)).slice(0, 16);
      this.#facts.set(key, entry.facts);
    }
    this.#entries.set(path, {
      blob: entry.blob,
      mentions: entry.mentions,
      mayHoldTests: entry.mayHoldTests,
      found: entry.found,
      facts: key,
      age: 0,
    });
    this.#seen.add(path);
    this.#changed = true;
  }

  /** Writes what changed. A cache folder that cannot be written is no trouble of the scan's. */
  save(): void {
    if (this.#file === null || !this.#changed) return;
    const used = new Set<string>();
    const lines: string[] = [];
    for (const [path, entry] of this.#entries) {
      const age = this.#seen.has(path) ? 0 : entry.age + 1;
      if (age > MAX_AGE) continue;
      if (entry.facts !== '') used.add(entry.facts);
      lines.push(
        `${path}\t${entry.blob}\t${entry.mentions ? 1 : 0}${entry.mayHoldTests ? 1 : 0}${age}\t${entry.facts}\t${entry.found ?? ''}\n`,
      );
    }
    for (const key of used)
      lines.push(`!\t${key}\t${JSON.stringify(this.#facts.get(key) ?? []).replaceAll('\t', ' ')}\n`);
    // Piece by piece: as one string and its bytes a large cache would be in memory three times.
    const checksum = createHash('sha1');
    for (const line of lines) checksum.update(line);
    const temporary = `${this.#file}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      const descriptor = openSync(temporary, 'wx', 0o600);
      try {
        writeSync(descriptor, `coherence-scan ${version()} ${checksum.digest('hex')}\n`);
        for (let i = 0; i < lines.length; i += LINES_AT_ONCE)
          writeAll(descriptor, lines.slice(i, i + LINES_AT_ONCE).join(''));
      } finally {
        closeSync(descriptor);
      }
      renameSync(temporary, this.#file);
    } catch {
      try {
        unlinkSync(temporary);
      } catch {
        // nothing was written
      }
    }
  }
}

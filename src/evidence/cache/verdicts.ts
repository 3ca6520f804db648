/**
 * The verdict cache: `<state>/verdicts.jsonl`, one line a verdict, appended whole. It lies outside every tree, where no commit
 * can forge it. Lines that cannot be read count as absent: unknown is a miss.
 *
 * A line is parsed when its verdict is asked for: the file may hold 100,000 of them, and a run asks for its own.
 */
import { readFileSync } from 'node:fs';
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CachedOutcome } from '../../model/index.js';
import { takeLock } from '../../util/lock.js';
import { orNull, writeAtomically } from '../../util/files.js';

export interface CachedVerdict extends CachedOutcome {
  readonly key: string;
  readonly selector: string;
  /** Digest of the closure alone: entries that share it fall together when one turns out stale. */
  readonly inputs: string;
  /** The commit that it is about, where nothing differed from it; only of observed runs, whose `inputs` name a kept list. */
  readonly commit?: string;
}

export interface AuditFigures {
  readonly audited: number;
  readonly stale: number;
}

export interface VerdictCache {
  get(key: string): CachedVerdict | undefined;
  /** The verdict of a selector that was kept last, whatever it rested on; with `commit` the last one about that commit. */
  newestOf(selector: string, commit?: string): CachedVerdict | undefined;
  put(entries: readonly CachedVerdict[]): Promise<void>;
  /** Forgets every entry with these inputs. */
  drop(inputs: readonly string[]): Promise<void>;
  /** Remembers what an audit saw. */
  audited(figures: AuditFigures): Promise<void>;
  readonly figures: AuditFigures;
}

const LOCK_WAIT_MS = 10_000;
/** How a verdict's line begins, since `key` is the first field that `put` writes; its 64 hex digits and a quotation mark follow. */
const VERDICT = '{"key":"';
const KEY_END = VERDICT.length + 64;
const HEX = /^[0-9a-f]{64}$/u;

function parseObject(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}; // an object; every field that is used is checked
  } catch {
    return {};
  }
}

function verdictOf(line: string): CachedVerdict | null {
  const { key, selector, inputs, reason, run, detail, ended_at, commit, proof } = parseObject(line);
  if (
    typeof key !== 'string' ||
    !HEX.test(key) ||
    typeof selector !== 'string' ||
    typeof inputs !== 'string' ||
    typeof run !== 'string' ||
    typeof detail !== 'string' ||
    typeof ended_at !== 'string'
  )
    return null;
  return reason === 'executed' || reason === 'assertion'
    ? {
        key,
        selector,
        inputs,
        reason,
        run,
        detail,
        ended_at,
        ...(typeof commit === 'string' ? { commit } : {}),
        ...(proof === 'exit-code' ? { proof } : {}),
      }
    : null;
}

/** The file's lines by key, the last of a key; what drops and audits say is taken in on the way. */
class Lines {
  readonly figures = { audited: 0, stale: 0 };
  readonly #verdicts = new Map<string, { readonly line: string; readonly at: number }>();
  /** Inputs → the number of the last line that forgets them. */
  readonly #dropped = new Map<string, number>();
  #count = 0;

  constructor(text: string) {
    for (let at = 0; at < text.length;) {
      const end = text.indexOf('\n', at);
      const line = text.slice(at, end === -1 ? text.length : end);
      if (line !== '') this.add(line);
      at = end === -1 ? text.length : end + 1;
    }
  }

  get count(): number {
    return this.#count;
  }

  add(line: string): void {
    this.#count += 1;
    if (line.startsWith(VERDICT)) {
      this.#verdicts.set(line.slice(VERDICT.length, KEY_END), { line, at: this.#count });
      return;
    }
    const { drop, audit } = parseObject(line);
    if (typeof drop === 'string') this.#dropped.set(drop, this.#count);
    const seen = audit as { audited?: unknown; stale?: unknown } | null | undefined; // both fields are checked on the next line
    if (typeof seen?.audited !== 'number' || typeof seen.stale !== 'number') return;
    this.figures.audited += seen.audited;
    this.figures.stale += seen.stale;
  }

  get(key: string): CachedVerdict | undefined {
    const there = this.#verdicts.get(key);
    const verdict = there === undefined ? null : verdictOf(there.line);
    if (there === undefined || verdict?.key !== key || (this.#dropped.get(verdict.inputs) ?? 0) > there.at)
      return undefined;
    return verdict;
  }

  newestOf(selector: string, commit?: string): CachedVerdict | undefined {
    const mentions = JSON.stringify(selector);
    return [...this.#verdicts]
      .sort(([, left], [, right]) => right.at - left.at)
      .filter(([, { line }]) => line.includes(mentions))
      .flatMap(([key]) => this.get(key) ?? [])
      .find((verdict) => verdict.selector === selector && (commit === undefined || verdict.commit === commit));
  }

  /** The newest verdicts, oldest first, and the audits in one line. */
  newest(count: number): string[] {
    const verdicts = [...this.#verdicts.keys()].flatMap((key) => this.get(key) ?? []).slice(-count);
    return [...verdicts, { audit: this.figures }].map((entry) => JSON.stringify(entry));
  }
}

/** Synchronously: the asynchronous reading decodes piece by piece, which takes longer than all that is done with the lines. */
const readWhole = (path: string): string => orNull(() => readFileSync(path, 'utf8')) ?? '';

/** @param maxLines beyond so many lines the file is written anew with the newest half of its verdicts */
export async function openVerdictCache(stateFolder: string, maxLines = 100_000): Promise<VerdictCache> {
  const path = join(stateFolder, 'verdicts.jsonl');
  const read = (): Lines => new Lines(readWhole(path));
  const lines = read();
  const append = async (added: readonly object[]): Promise<void> => {
    if (added.length === 0) return;
    const texts = added.map((entry) => JSON.stringify(entry));
    for (const text of texts) lines.add(text);
    await mkdir(stateFolder, { recursive: true, mode: 0o700 });
    // One write of whole lines; a line feed first heals a line that a killed writer left unfinished.
    await appendFile(path, `\n${texts.join('\n')}\n`, { mode: 0o600 });
    if (lines.count > maxLines) await compact();
  };
  const compact = async (): Promise<void> => {
    const locked = await takeLock(`${path}.lock`, 0);
    if (!locked.taken) return;
    await using _lock = locked.lock;
    // Read again: what others have forgotten since must stay forgotten. A verdict that is added right now may be lost, which is a miss.
    await writeAtomically(
      path,
      `${read()
        .newest(maxLines / 2)
        .join('\n')}\n`,
      0o600,
    );
  };
  return {
    get: (key) => lines.get(key),
    newestOf: (selector, commit) => lines.newestOf(selector, commit),
    // `key` first, whatever order the caller has: by it a line is found.
    put: async (added) => append(added.map(({ key, ...rest }) => ({ key, ...rest }))),
    drop: async (inputs) => {
      // Not between the reading and the writing of another process that makes the file shorter: it would bring the verdicts back.
      const locked = await takeLock(`${path}.lock`, LOCK_WAIT_MS).catch(() => null);
      await using _lock = locked?.taken === true ? locked.lock : null;
      await append(inputs.map((drop) => ({ drop })));
    },
    audited: async (seen) => append([{ audit: seen }]),
    figures: lines.figures,
  };
}

/**
 * The verdict cache: `<state>/verdicts.jsonl`, one line a verdict, appended whole. It lies outside every tree, where no commit
 * can forge it. Lines that cannot be read count as absent: unknown is a miss.
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CachedOutcome } from '../../model/index.js';
import { takeLock } from '../../util/lock.js';
import { writeAtomically } from '../../util/files.js';

export interface CachedVerdict extends CachedOutcome {
  readonly key: string;
  readonly selector: string;
  /** Digest of the closure alone: entries that share it fall together when one turns out stale. */
  readonly inputs: string;
}

export interface AuditFigures {
  readonly audited: number;
  readonly stale: number;
}

export interface VerdictCache {
  get(key: string): CachedVerdict | undefined;
  put(entries: readonly CachedVerdict[]): Promise<void>;
  /** Forgets every entry with these inputs. */
  drop(inputs: readonly string[]): Promise<void>;
  /** Remembers what an audit saw. */
  audited(figures: AuditFigures): Promise<void>;
  readonly figures: AuditFigures;
}

const MAX_LINES = 100_000;
const HEX = /^[0-9a-f]{64}$/u;

type Line = { readonly verdict: CachedVerdict } | { readonly drop: string } | { readonly audit: AuditFigures };

function parseLine(text: string): Line | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown>; // every field that is used is checked below
    if (typeof value['drop'] === 'string') return { drop: value['drop'] };
    const audit = value['audit'] as { audited?: unknown; stale?: unknown } | undefined;
    if (audit !== undefined) return typeof audit.audited === 'number' && typeof audit.stale === 'number' ? { audit: { audited: audit.audited, stale: audit.stale } } : null;
    const { key, selector, inputs, reason, run, detail, ended_at } = value;
    if (typeof key !== 'string' || !HEX.test(key) || typeof selector !== 'string' || typeof inputs !== 'string' || typeof run !== 'string' || typeof detail !== 'string' || typeof ended_at !== 'string') return null;
    return reason === 'executed' || reason === 'assertion' ? { verdict: { key, selector, inputs, reason, run, detail, ended_at } } : null;
  } catch {
    return null;
  }
}

export async function openVerdictCache(stateFolder: string): Promise<VerdictCache> {
  const path = join(stateFolder, 'verdicts.jsonl');
  const text = await readFile(path, 'utf8').catch(() => '');
  const entries = new Map<string, CachedVerdict>();
  const figures = { audited: 0, stale: 0 };
  const lines = text.split('\n');
  for (const line of lines) {
    if (line === '') continue;
    const parsed = parseLine(line);
    if (parsed === null) continue;
    if ('verdict' in parsed) entries.set(parsed.verdict.key, parsed.verdict);
    else if ('drop' in parsed) {
      for (const [key, entry] of entries) if (entry.inputs === parsed.drop) entries.delete(key);
    } else {
      figures.audited += parsed.audit.audited;
      figures.stale += parsed.audit.stale;
    }
  }
  const append = async (added: readonly object[]): Promise<void> => {
    if (added.length === 0) return;
    await mkdir(stateFolder, { recursive: true, mode: 0o700 });
    // One write of whole lines; a line feed first heals a line that a killed writer left unfinished.
    await appendFile(path, `\n${added.map((line) => JSON.stringify(line)).join('\n')}\n`, { mode: 0o600 });
    if (lines.length + added.length > MAX_LINES) await compact();
  };
  const compact = async (): Promise<void> => {
    const locked = await takeLock(`${path}.lock`, 0);
    if (!locked.taken) return;
    await using _lock = locked.lock;
    const newest = [...entries.values()].slice(-MAX_LINES / 2);
    await writeAtomically(path, `${[...newest, { audit: figures }].map((line) => JSON.stringify(line)).join('\n')}\n`, 0o600);
  };
  return {
    get: (key) => entries.get(key),
    put: async (added) => {
      for (const entry of added) entries.set(entry.key, entry);
      await append(added);
    },
    drop: async (inputs) => {
      for (const [key, entry] of entries) if (inputs.includes(entry.inputs)) entries.delete(key);
      await append(inputs.map((drop) => ({ drop })));
    },
    audited: async (seen) => {
      figures.audited += seen.audited;
      figures.stale += seen.stale;
      await append([{ audit: seen }]);
    },
    figures,
  };
}

/**
 * Module facts of any file, kept by content hash in one packed file: a warm closure parses nothing and loads no parser.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModuleFacts } from '../model/index.js';
import { blobId } from './blob.js';
import { writeRemakeable } from '../util/files.js';

/** Changes whenever an analyser does: older facts are then forgotten. */
const VERSION = 3;
const MAX_ENTRIES = 50_000;

/** A file's content: its git blob id where that is known without reading, and its bytes when they are needed. */
export interface Content {
  readonly blob: string | null;
  read(): Promise<Buffer | null>;
}

export interface FactsCache {
  /** Facts of a file with this content, null when it cannot be read. Data files give their hash alone. */
  of(file: string, content: Content): Promise<ModuleFacts | null>;
  save(): Promise<void>;
}

const SCRIPT = /\.(?:[cm]?[jt]sx?|vue|svelte)$/iu;

/** Plain data: nothing is drawn in, every byte counts. */
const data = (blob: string): ModuleFacts => ({
  fingerprint: blob,
  imports: [],
  computed: false,
  reads: false,
  paths: [],
  outside: null,
});

async function analyse(file: string, blob: string, bytes: Buffer): Promise<ModuleFacts> {
  if (/\.(?:vue|svelte)$/iu.test(file)) return { ...data(blob), computed: true, reads: true };
  if (SCRIPT.test(file)) return (await import('./typescript/facts.js')).typescriptFacts(file, bytes);
  if (file.endsWith('.py')) return (await import('./treesitter/facts.js')).pythonFacts(file, bytes);
  if (file.endsWith('.rs')) return (await import('./treesitter/facts.js')).rustFacts(file, bytes);
  return data(blob);
}

const kindOf = (file: string): string =>
  SCRIPT.test(file) || file.endsWith('.py') || file.endsWith('.rs') ? file.slice(file.lastIndexOf('.')) : 'data';

/** @param folder where the packed file lies; null keeps facts for this process only. A file that cannot be read counts as empty. */
export async function openFactsCache(folder: string | null): Promise<FactsCache> {
  const path = folder === null ? null : join(folder, 'facts.json');
  const known = new Map<string, ModuleFacts>();
  if (path !== null) {
    try {
      const stored = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown; entries?: unknown }; // checked on the next line
      if (stored.version === VERSION && Array.isArray(stored.entries))
        for (const [key, facts] of stored.entries as [string, ModuleFacts][]) known.set(key, facts);
    } catch {
      known.clear();
    }
  }
  const used = new Map<string, ModuleFacts>();
  let fresh = false;
  return {
    of: async (file, content) => {
      let bytes: Buffer | null = null;
      let blob = content.blob;
      if (blob === null) {
        bytes = await content.read();
        if (bytes === null) return null;
        blob = blobId(bytes);
      }
      const kind = kindOf(file);
      if (kind === 'data') return data(blob);
      const key = `${kind}:${blob}`;
      const there = known.get(key) ?? used.get(key);
      if (there !== undefined) {
        used.set(key, there);
        return there;
      }
      bytes ??= await content.read();
      if (bytes === null) return null;
      const facts = await analyse(file, blob, bytes);
      used.set(key, facts);
      fresh = true;
      return facts;
    },
    save: async () => {
      if (path === null || !fresh) return;
      fresh = false;
      const entries = [...used, ...[...known].filter(([key]) => !used.has(key))].slice(0, MAX_ENTRIES);
      await writeRemakeable(path, JSON.stringify({ version: VERSION, entries })).catch(() => undefined);
    },
  };
}

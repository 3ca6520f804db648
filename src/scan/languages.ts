/** The languages that are known, by file name. A new one is one object and one entry here. */
import type { Language } from './language.js';
import { other } from './other.js';
import { go, java, python, rust, shell } from './treesitter/index.js';
import { typescript } from './typescript/index.js';

export const languages: readonly Language[] = [typescript, rust, python, go, java, shell, other];

const byEnding = new Map<string, Language>();
const byName = new Map<string, Language>();
for (const language of languages) {
  // The first to claim a name keeps it, so that `other` fills only what is left.
  for (const ending of language.extensions) if (!byEnding.has(ending)) byEnding.set(ending, language);
  for (const name of language.names ?? []) if (!byName.has(name)) byName.set(name, language);
}

/** The language of a file, or null where nothing is looked for in such files. */
export function languageOf(path: string): Language | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const known = byName.get(name);
  if (known !== undefined) return known;
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? null : (byEnding.get(name.slice(dot).toLowerCase()) ?? null);
}

/** What crates that a package names draw in, read in cargo's registry: chance, the clock, the network. */
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import type { Closure } from '../../closure/index.js';
import type { ModuleFacts } from '../../model/index.js';
import { orNull, readRegularText } from '../../util/files.js';

type FactsOf = (path: string) => Promise<ModuleFacts | null>;

/** As whole words: a crate that has one of them somewhere in its sources may do it for whoever calls it. */
const SHIFTING =
  /\b(?:SystemTime|Instant|OffsetDateTime|getrandom|thread_rng|OsRng|RandomState|TcpStream|UdpSocket|clock_gettime|gettimeofday)\b/u;

interface LockedCrate {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
}

function lockedCrates(root: string, folder: string): ReadonlyMap<string, LockedCrate> {
  for (let at = folder; ; at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '') {
    const text = readRegularText(join(root, at, 'Cargo.lock'));
    const lock = text === null ? null : orNull(() => parse(text) as { package?: unknown });
    if (Array.isArray(lock?.package))
      return new Map(
        (lock.package as { name?: string; version?: string; source?: string; dependencies?: string[] }[]) // cargo writes it so; absent fields make an empty crate
          .filter((item) => item.source !== undefined)
          .map((item) => [
            item.name ?? '',
            { name: item.name ?? '', version: item.version ?? '', dependencies: item.dependencies ?? [] },
          ]),
      );
    if (at === '') return new Map();
  }
}

/** Text of all Rust sources of a crate; null where they do not lie in the registry. */
function sourcesOf(registry: readonly string[], crate: LockedCrate): string | null {
  const folder = registry.map((path) => join(path, `${crate.name}-${crate.version}`));
  const at = folder.find((path) => orNull(() => readdirSync(path)) !== null);
  if (at === undefined) return null;
  const files = orNull(() => readdirSync(join(at, 'src'), { recursive: true, encoding: 'utf8' })) ?? [];
  return files
    .filter((name) => name.endsWith('.rs'))
    .map((name) => readRegularText(join(at, 'src', name)) ?? '')
    .join('\n');
}

const cache = new Map<string, string | null>();

/** @returns one line, or null: no crate that the closure's own code names shifts */
export async function crateBar(
  root: string,
  closure: Closure,
  factsOf: FactsOf,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const rust = [...closure.files.keys()].filter((path) => path.endsWith('.rs'));
  if (rust.length === 0) return null;
  const crates = lockedCrates(root, rust[0]?.includes('/') === true ? rust[0].slice(0, rust[0].lastIndexOf('/')) : '');
  const home = join(env['CARGO_HOME'] ?? join(env['HOME'] ?? homedir(), '.cargo'), 'registry', 'src');
  const registry = (orNull(() => readdirSync(home)) ?? []).map((name) => join(home, name));
  const byWord = new Map([...crates.values()].map((crate) => [crate.name.replaceAll('-', '_'), crate]));
  const reason = (crate: LockedCrate, seen: Set<string>): string | null => {
    const key = `${crate.name}@${crate.version}`;
    if (seen.has(key)) return null;
    seen.add(key);
    const own = cache.get(key) ?? ownReason(crate, registry);
    cache.set(key, own);
    if (own !== null) return own;
    for (const name of crate.dependencies) {
      const next = crates.get(name.split(' ')[0] ?? '');
      const why = next === undefined ? null : reason(next, seen);
      if (why !== null) return why;
    }
    return null;
  };
  for (const path of rust)
    for (const word of (await factsOf(path))?.imports ?? []) {
      const crate = byWord.get(word);
      const why = crate === undefined ? null : reason(crate, new Set());
      if (why !== null) return `${path} uses ${word}: ${why}`;
    }
  return null;
}

function ownReason(crate: LockedCrate, registry: readonly string[]): string | null {
  const text = sourcesOf(registry, crate);
  if (text === null) return `the source of ${crate.name} ${crate.version} is not at hand`;
  const word = SHIFTING.exec(text)?.[0];
  return word === undefined ? null : `${crate.name} draws in ${word}`;
}

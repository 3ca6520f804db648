/**
 * From a line to what it starts in the end: scripts of package.json are followed, with their hooks, through workspaces and
 * through scripts that call scripts. Files are read, nothing is executed.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { escapedRegExp } from '../../util/text.js';
import { baseName, peelLaunchers } from './launchers.js';
import { allCommands, knownRunners, type KnownRunner } from './known-runners.js';
import { scriptCall, scriptNames, type ScriptCall } from './script-call.js';
import { quotedWord } from './shell-words.js';

export interface Started {
  /** Those in the line itself, and those behind scripts (without a place for words). */
  readonly runners: readonly KnownRunner[];
  /** Why a script cannot run: it is absent. One line each. */
  readonly missing: readonly string[];
}

interface Package {
  /** Relative to the project's root; '' is the root. */
  readonly folder: string;
  readonly name: string;
  readonly scripts: ReadonlyMap<string, string>;
}

const MAX_DEPTH = 8;
const MAX_FOLDERS = 2000;

/** Reads package.json files of one project, each once. */
class Packages {
  readonly #read = new Map<string, Promise<Package | null>>();
  #all: Promise<readonly Package[]> | null = null;

  constructor(private readonly root: string) {}

  async at(folder: string): Promise<Package | null> {
    if (folder === '..' || folder.startsWith('../') || posix.isAbsolute(folder)) return null;
    const known = this.#read.get(folder) ?? this.#load(folder);
    this.#read.set(folder, known);
    return known;
  }

  async #load(folder: string): Promise<Package | null> {
    const text = await readFile(join(this.root, folder, 'package.json'), 'utf8').catch(() => null);
    if (text === null) return null;
    try {
      const value = JSON.parse(text) as { name?: unknown; scripts?: unknown } | null; // each member is checked below
      const scripts = typeof value?.scripts === 'object' && value.scripts !== null ? Object.entries(value.scripts) : [];
      return {
        folder,
        name: typeof value?.name === 'string' ? value.name : '',
        scripts: new Map(scripts.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
      };
    } catch {
      return null;
    }
  }

  /** The package that a manager takes: of the folder, or of the nearest one above. */
  async nearest(folder: string): Promise<Package | null> {
    for (let at = folder; ; at = posix.dirname(at) === '.' ? '' : posix.dirname(at)) {
      const found = await this.at(at);
      if (found !== null || at === '') return found;
    }
  }

  /** All packages of the tree, installed ones left out; bounded. */
  async all(): Promise<readonly Package[]> {
    this.#all ??= (async () => {
      const packages: Package[] = [];
      const waiting = [''];
      for (let count = 0; waiting.length > 0 && count < MAX_FOLDERS; count += 1) {
        const folder = waiting.shift() ?? '';
        const entries = await readdir(join(this.root, folder), { withFileTypes: true }).catch(() => []);
        if (entries.some((entry) => entry.name === 'package.json'))
          packages.push(...[await this.at(folder)].flatMap((item) => item ?? []));
        for (const entry of entries)
          if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
            waiting.push(posix.join(folder, entry.name));
      }
      return packages;
    })();
    return this.#all;
  }
}

/** A name with `*` for any characters. Takes in rather too much: what is taken in is looked at, never left out. */
const matcher = (pattern: string): ((name: string) => boolean) => {
  const expression = new RegExp(`^${pattern.split('*').map(escapedRegExp).join('.*')}$`, 'u');
  return (name) => expression.test(name);
};

/** Workspace packages that a call names: by name, folder or pattern; all of them where it is a pattern that nobody else knows. */
function chosen(all: readonly Package[], names: readonly string[]): readonly Package[] {
  const others = all.filter((item) => item.folder !== '');
  return names.flatMap((name) => {
    const plain = name.replace(/^\.\//, '').replace(/\/$/, '');
    const exact = all.filter((item) => item.name === plain || (item.folder !== '' && item.folder === plain));
    if (exact.length > 0) return exact;
    const matches = matcher(plain);
    const matched = others.filter((item) => matches(item.name) || matches(item.folder));
    return matched.length > 0 ? matched : others;
  });
}

const hooked = (script: string): string[] => [`pre${script}`, script, `post${script}`];

class Follower {
  readonly runners: KnownRunner[] = [];
  readonly missing: string[] = [];
  readonly #seen = new Set<string>();

  constructor(private readonly packages: Packages) {}

  async line(text: string, start: string, depth: number): Promise<void> {
    let folder = start;
    const inner = depth > 0;
    this.runners.push(...knownRunners(text).map((found) => (inner ? { ...found, insertAt: null } : found)));
    if (depth > MAX_DEPTH) return;
    for (const { words } of allCommands(text)) {
      const texts = words.map((word) => word.text);
      const { programs, launchers } = peelLaunchers(words);
      if (texts[0] === 'cd' && texts[1] !== undefined) folder = posix.join(folder, texts[1]);
      for (const place of [...launchers, ...programs]) await this.#program(texts.slice(place), folder, depth);
    }
  }

  /** A program with its arguments: what it says of scripts is followed. */
  async #program(words: readonly string[], folder: string, depth: number): Promise<void> {
    const call = scriptCall(words);
    if (call !== null) await this.#call(call, folder, depth);
    for (const name of scriptNames(words) ?? []) await this.#pattern(name, folder, depth);
    // `concurrently "npm:unit" "vitest run"`: each word is a line.
    if (baseName(words[0] ?? '') === 'concurrently')
      for (const word of words.slice(1).filter((item) => !item.startsWith('-')))
        await this.line(word.startsWith('npm:') ? `npm run ${word.slice(4)}` : word, folder, depth + 1);
  }

  async #call(call: ScriptCall, base: string, depth: number): Promise<void> {
    const folder = posix.join(base, call.folder);
    const own = await this.packages.nearest(folder === '.' ? '' : folder);
    const targets =
      call.workspaces.length === 0 ? (own === null ? [] : [own]) : chosen(await this.packages.all(), call.workspaces);
    const having = targets.filter((item) => item.scripts.has(call.script));
    if (having.length === 0 && !call.orProgram)
      this.missing.push(
        `${targets[0] === undefined ? 'there is no package.json' : `${posix.join(targets[0].folder, 'package.json')} has no script "${call.script}"`}, so nothing ran${call.ifPresent ? ' (--if-present)' : ''}`,
      );
    for (const item of having) await this.#script(item, call.script, call.rest, depth);
  }

  async #pattern(name: string, folder: string, depth: number): Promise<void> {
    const own = await this.packages.nearest(folder);
    if (own === null) return;
    const matches = matcher(name);
    for (const script of own.scripts.keys()) if (matches(script)) await this.#script(own, script, [], depth);
  }

  async #script(item: Package, script: string, rest: readonly string[], depth: number): Promise<void> {
    const key = JSON.stringify([item.folder, script, rest]);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    for (const name of hooked(script)) {
      const text = item.scripts.get(name);
      if (text === undefined) continue;
      await this.line(name === script ? [text, ...rest.map(quotedWord)].join(' ') : text, item.folder, depth + 1);
    }
  }
}

/** What a line starts. `root`: absolute path of the project's root, where lines run. */
export async function startedBy(line: string, root: string): Promise<Started> {
  const follower = new Follower(new Packages(root));
  await follower.line(line, '', 0);
  return { runners: follower.runners, missing: follower.missing };
}

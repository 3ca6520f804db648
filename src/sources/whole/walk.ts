/**
 * Every file below a folder, whatever git thinks of it: what a test run there may rest on. Content decides for a project's own
 * files; for installed packages what the file system says of each file, since their content changes by installing alone and
 * `ctime` shows every edit (docs/internals/reuse.md).
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, type BigIntStats, type Dirent } from 'node:fs';
import { basename, join } from 'node:path';
import { orNull } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';
import { turns } from '../../util/turns.js';
import { climbingPaths } from './climbing.js';
import type { FolderContents, WholeMemo } from './memo.js';
import type { OutputRules } from './outputs.js';

export interface Link {
  /** Path relative to the walk's start, and where the link's text says it leads. */
  readonly path: string;
  readonly target: string;
}

export interface Walked {
  /** Path → what stands for it. Folders end with `/`; one folder of installed packages stands for all files in it. */
  readonly entries: Map<string, string>;
  readonly links: Link[];
  /** Relative path of a file → what its text names above the start. */
  readonly climbing: Map<string, readonly string[]>;
  /** Folders of installed Python packages, relative: their `.pth` files name more. */
  readonly sitePackages: string[];
  /** True when there was more than `limit`. */
  readonly cut: boolean;
}

export interface WalkOptions {
  readonly rules: OutputRules;
  readonly memo: WholeMemo;
  /** Everything counts by what the file system says of it, as in installed packages. */
  readonly statOnly: boolean;
  /** So many files at most. */
  readonly limit: number;
}

/** A file is read for its content up to this size; a larger one counts by its stat data. */
const MAX_READ = 4 * 1024 * 1024;
/** File systems stamp by a clock that ticks: a file that was just changed may change again within the same stamp. */
const TICK_NS = 100_000_000n;

const short = (text: string | Uint8Array): string => sha256(text).slice(0, 24);
const statText = (stat: BigIntStats): string => `${stat.mode} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`;

interface Item {
  readonly name: string;
  readonly stat: BigIntStats;
}

class Walk implements Walked {
  readonly entries = new Map<string, string>();
  readonly links: Link[] = [];
  readonly climbing = new Map<string, readonly string[]>();
  readonly sitePackages: string[] = [];
  cut = false;
  private count = 0;

  constructor(
    private readonly start: string,
    private readonly options: WalkOptions,
  ) {}

  /** One folder a step. */
  *steps(): Generator<void> {
    const queue: { path: string; packages: boolean }[] = [{ path: '', packages: this.options.statOnly }];
    for (let at = queue.pop(); at !== undefined && !this.cut; at = queue.pop()) {
      queue.push(...this.folder(at.path, at.packages));
      yield;
    }
  }

  private folder(path: string, inPackages: boolean): { path: string; packages: boolean }[] {
    const { rules } = this.options;
    const absolute = join(this.start, path);
    const listed = orNull(() => readdirSync(absolute, { withFileTypes: true }));
    if (listed === null) {
      this.entries.set(`${path}/`, 'unreadable');
      return [];
    }
    const names = new Set(listed.map((entry) => entry.name));
    if (path !== '' && rules.isCache(path, absolute, names)) return [];
    // A folder with something in it is told by that; one that holds nothing but what tools make is as good as absent.
    if (path !== '' && listed.length === 0) this.entries.set(`${path}/`, 'empty folder');
    const packages = inPackages || names.has('pyvenv.cfg');
    if (path.endsWith('site-packages')) this.sitePackages.push(path);
    const next: { path: string; packages: boolean }[] = [];
    const files: Item[] = [];
    for (const entry of listed.sort((left, right) => (left.name < right.name ? -1 : 1))) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.name === '.git') continue;
      if (entry.isDirectory()) {
        if (!rules.isOutputFolder(below, entry.name, basename(absolute)))
          next.push({ path: below, packages: packages || entry.name === 'node_modules' });
      } else if (!rules.isOutputFile(below, entry.name)) this.item(below, entry, files);
    }
    this.count += files.length + 1;
    if (this.count > this.options.limit) this.cut = true;
    if (files.length > 0) this.take(path, files, packages);
    return next.reverse();
  }

  private item(path: string, entry: Dirent, files: Item[]): void {
    const stat = lstatSync(join(this.start, path), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isSymbolicLink()) {
      const target = orNull(() => readlinkSync(join(this.start, path))) ?? '';
      this.entries.set(path, `link ${target}`);
      this.links.push({ path, target });
    } else if (stat.isFile()) files.push({ name: entry.name, stat });
    else this.entries.set(path, `special ${stat.mode}`);
  }

  private take(path: string, files: readonly Item[], packages: boolean): void {
    const listing = sha256(files.map(({ name, stat }) => `${name}\0${statText(stat)}\0`).join(''));
    if (packages) {
      this.entries.set(`${path}/`, listing.slice(0, 24));
      return;
    }
    const contents = this.contents(path, listing, files);
    for (const { name, stat } of files) {
      const below = path === '' ? name : `${path}/${name}`;
      const [hash = 'unreadable', climbing] = contents[name] ?? [];
      this.entries.set(below, `${stat.mode.toString(8)} ${hash}`);
      if (climbing !== undefined && climbing.length > 0) this.climbing.set(below, climbing);
    }
  }

  private contents(path: string, listing: string, files: readonly Item[]): FolderContents {
    const depth = path === '' ? 0 : path.split('/').length;
    // What a text climbs to depends on how deep it lies, and a folder that was moved has the same listing.
    const key = `${depth}${listing}`;
    const there = this.options.memo.get(key);
    if (there !== undefined) return there;
    const now = BigInt(Date.now()) * 1_000_000n;
    const settled = files.every(({ stat }) => stat.ctimeNs < now - TICK_NS && stat.mtimeNs < now - TICK_NS);
    const made: Record<string, readonly [string, (readonly string[])?]> = Object.create(null) as typeof made; // a file may be called __proto__
    for (const { name, stat } of files) {
      const bytes = stat.size > MAX_READ ? null : orNull(() => readFileSync(join(this.start, path, name)));
      if (bytes === null) made[name] = [`stat ${short(statText(stat))}`];
      else {
        const climbing = climbingPaths(bytes, depth);
        made[name] = climbing.length === 0 ? [short(bytes)] : [short(bytes), climbing];
      }
    }
    if (settled) this.options.memo.put(key, made);
    return made;
  }
}

/** @param start absolute; never follows a symlink, never opens anything but regular files */
export function walkFolder(start: string, options: WalkOptions): Walked {
  const walk = new Walk(start, options);
  for (const _ of walk.steps());
  return walk;
}

/** The same for a folder that may hold a million files: signals are heard meanwhile. */
export async function walkLargeFolder(start: string, options: WalkOptions): Promise<Walked> {
  const walk = new Walk(start, options);
  const pause = turns();
  for (const _ of walk.steps()) await pause();
  return walk;
}

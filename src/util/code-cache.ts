/**
 * Loads a large CommonJS file with V8's code cache: what an earlier process compiled of it is read instead of compiled again.
 * Node does this itself from 22.1 on (`module.enableCompileCache`); the floor of this product is 20.19, and there compiling is the
 * largest part of a command's start (docs/start.md has the figures).
 *
 * A cache can only ever save time. It is kept under the hash of the source and of the Node that compiled it, its own bytes carry a
 * hash, V8 checks its version and flags, and a file that another user could have written is not read.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { isAscii } from 'node:buffer';
import { absolute, cacheFolder, homeOf, type Environment } from './user-folders.js';

/** Files that the folder keeps; the oldest go when one is written. A build and its TypeScript parser take up to five. */
const KEPT = 20;
/** Sanity only: the purposes of one build are its commands, some dozens. */
const MOST_PURPOSES = 200;
/** A purpose has many ways to be served: once a day what was compiled beside the cache joins it. */
const RENEWED_AFTER_MS = 24 * 60 * 60_000;
const DIGEST_BYTES = 32;

interface Cached {
  /** What the processes did whose functions are in `code`. */
  readonly purposes: readonly string[];
  readonly code: Buffer;
  readonly ageMs: number;
}

/** Where caches of compiled code lie, or null when there is none: switched off as for Node's own cache, or there is no home. */
export function codeCacheFolder(env: Environment): string | null {
  if ((env['NODE_DISABLE_COMPILE_CACHE'] ?? '') !== '') return null;
  const named = absolute(env['NODE_COMPILE_CACHE']);
  if (named !== null) return join(named, 'coherence');
  const folder = cacheFolder(env, process.cwd());
  const given = (env['COHERENCE_CACHE_DIR'] ?? '') !== '' || absolute(env['XDG_CACHE_HOME']) !== null;
  return given || existsSync(homeOf(env)) ? join(folder, 'code') : null;
}

/** Layout: hash of the rest (32 bytes), length of the header (4), purposes as JSON padded to eight bytes, V8's data. */
function pack(purposes: readonly string[], code: Buffer): Buffer {
  const text = JSON.stringify(purposes);
  const header = Buffer.from(text.padEnd(Math.ceil((text.length + 4) / 8) * 8 - 4, ' '), 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const rest = Buffer.concat([length, header, code]);
  return Buffer.concat([createHash('sha256').update(rest).digest(), rest]);
}

function unpack(bytes: Buffer): Omit<Cached, 'ageMs'> | null {
  const rest = bytes.subarray(DIGEST_BYTES);
  if (rest.length < 4 || !createHash('sha256').update(rest).digest().equals(bytes.subarray(0, DIGEST_BYTES)))
    return null;
  const end = 4 + rest.readUInt32LE(0);
  // Written by `pack`: the hash says so.
  return { purposes: JSON.parse(rest.toString('latin1', 4, end)) as string[], code: rest.subarray(end) };
}

function read(file: string): Cached | null {
  try {
    const handle = openSync(file, 'r');
    try {
      const { uid, mode, mtimeMs } = fstatSync(handle);
      // Code of whoever else could write here would run as us.
      if ((process.getuid !== undefined && uid !== process.getuid()) || (mode & 0o022) !== 0) return null;
      const found = unpack(readFileSync(handle));
      return found === null ? null : { ...found, ageMs: Date.now() - mtimeMs };
    } finally {
      closeSync(handle);
    }
  } catch {
    return null; // absent or unreadable: compile
  }
}

/** Drops the oldest files beyond `KEPT`, and what interrupted writers left. */
function prune(folder: string): void {
  const found = readdirSync(folder).map((name) => ({
    name,
    age: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  }));
  for (const { name } of found.toSorted((a, b) => b.age - a.age).slice(KEPT))
    rmSync(join(folder, name), { force: true });
}

function write(file: string, purposes: readonly string[], code: Buffer): void {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(beside, pack(purposes, code), { mode: 0o600 });
    renameSync(beside, file);
    prune(dirname(file));
  } catch {
    // A full disk or a read-only home: the next process compiles, too.
    try {
      rmSync(beside, { force: true });
    } catch {
      // where no folder is, nothing is left
    }
  }
}

/** A loaded file. */
export interface Compiled {
  readonly exports: unknown;
  /** Whether V8 took what an earlier process had compiled. */
  readonly isHit: boolean;
  /** Writes what is compiled by now; null when the cache has what this purpose needs, or there is none. */
  readonly keep: (() => void) | null;
}

/**
 * Evaluates a CommonJS file with the functions that `folder` keeps of it. The file finds `__importModule` in place of `import()`.
 * @param file Absolute path.
 * @param purpose What this process uses the file for. The first process of a purpose adds the functions that it compiled; so each
 *   command finds its own, and the cache is written once a purpose.
 * @param folder Of `codeCacheFolder`; null compiles without a cache.
 * Throws what the file throws, and when it cannot be read.
 */
export function compiled(file: string, purpose: string, folder: string | null): Compiled {
  const bytes = readFileSync(file);
  const source = isAscii(bytes) ? bytes.toString('latin1') : bytes.toString('utf8');
  const key = createHash('sha256')
    .update(bytes)
    .update(`${process.version} ${process.arch}`)
    .digest('hex')
    .slice(0, 32);
  const cacheFile = folder === null ? null : join(folder, `${basename(file)}-${key}`);
  const cached = cacheFile === null ? null : read(cacheFile);
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname, __importModule) {\n${source}\n})`,
    {
      filename: file,
      lineOffset: -1,
      ...(cached === null ? {} : { cachedData: cached.code }),
    },
  );
  const isHit = cached !== null && script.cachedDataRejected !== true;
  const known = isHit ? cached.purposes : [];
  const isServed = isHit && known.includes(purpose) && cached.ageMs < RENEWED_AFTER_MS;
  const module = { exports: {} as unknown };
  // The wrapper above is what the script evaluates to.
  const evaluate = script.runInThisContext() as (
    exports: unknown,
    require: NodeJS.Require,
    module: { exports: unknown },
    name: string,
    folder: string,
    importModule: (url: string) => Promise<unknown>,
  ) => void;
  evaluate(module.exports, createRequire(file), module, file, dirname(file), async (url) => import(url));
  return {
    exports: module.exports,
    isHit,
    keep:
      cacheFile === null || isServed || known.length >= MOST_PURPOSES
        ? null
        : () => write(cacheFile, [...new Set([...known, purpose])], script.createCachedData()),
  };
}

/** The exports of `compiled`, with the cache of this process's user; what this process adds to the cache is written when it ends. For files that are loaded once a process. */
export function loadCompiled(file: string, purpose: string): unknown {
  const { exports, keep } = compiled(file, purpose, codeCacheFolder(process.env));
  if (keep !== null) process.once('exit', keep);
  return exports;
}

/**
 * Outputs of checks that passed, when they are many: one `outputs.tar.gz` in the run's folder in place of a file each. Their
 * paths in the record are those that they have again after `tar -xzf outputs.tar.gz` there; their hashes are of the content.
 */
import { createWriteStream } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { RunRecord } from '../model/index.js';

/** Up to so many files and bytes lie there as they are. */
const FILES = 50;
const BYTES = 256 * 1024;
const BLOCK = 512;

export const ARCHIVE = 'outputs.tar.gz';

/** Outputs that only passing checks name, relative to the run's folder. */
function passingOutputs(record: RunRecord): string[] {
  const prefix = `.coherence/runs/${record.run}/`;
  const checks = record.specs.flatMap((spec) => spec.criteria.flatMap((criterion) => criterion.checks));
  const named = (isPassing: boolean): Set<string> =>
    new Set(
      checks
        .filter((check) => (check.verdict === 'PASS') === isPassing)
        .flatMap((check) => [check.output, check.stderr ?? null])
        .flatMap((path) => (path?.startsWith(prefix) === true ? [path.slice(prefix.length)] : [])),
    );
  const others = named(false);
  return [...named(true)].filter((path) => !others.has(path));
}

/** One file's header of the ustar format; names over 100 bytes go into its prefix field. */
function header(name: string, size: number, seconds: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const cut = name.length <= 100 ? -1 : name.lastIndexOf('/', 155);
  block.write(name.slice(cut + 1), 0, 100, 'utf8');
  if (cut > 0) block.write(name.slice(0, cut), 345, 155, 'utf8');
  const octal = (value: number, at: number, length: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, length, 'latin1');
  };
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(seconds, 136, 12);
  block.write('        0', 148, 9, 'latin1');
  block.write('ustar\u000000', 257, 8, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return block;
}

async function* entries(folder: string, names: readonly string[]): AsyncGenerator<Buffer> {
  for (const name of names) {
    const content = await readFile(join(folder, name));
    yield header(name, content.length, Math.floor(Date.now() / 1000));
    yield content;
    yield Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** Packs what passing checks wrote, where it is much. A captured output is bounded, so one at a time fits into memory. */
export async function archiveOutputs(folder: string, record: RunRecord): Promise<void> {
  const names: string[] = [];
  let bytes = 0;
  for (const name of passingOutputs(record)) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found?.isFile() !== true) continue;
    names.push(name);
    bytes += found.size;
  }
  if (names.length <= FILES && bytes <= BYTES) return;
  await pipeline(
    Readable.from(entries(folder, names), { objectMode: false }),
    createGzip(),
    createWriteStream(join(folder, ARCHIVE), { mode: 0o600 }),
  );
  for (const name of names) await rm(join(folder, name), { force: true });
}

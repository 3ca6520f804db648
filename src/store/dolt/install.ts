/**
 * Installs Dolt into the cache: from a mirror (`store.dolt_url`), else built by Go. One flight: whoever comes second waits
 * for the first and uses its result. Called only by `doctor --fix` and `store start`.
 */
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { failure, success, type Failure, type Result } from '../../model/index.js';
import { sha256File } from '../../util/hash.js';
import { takeLock, type LockResult } from '../../util/lock.js';
import { capture, findProgram, run } from '../../util/process.js';
import type { StorePlace } from '../place.js';
import { cachedBinary, findDolt, isAtLeast, versionOf, type DoltBinary } from './binary.js';
import {
  DOLT_MINIMUM,
  DOLT_VERSION,
  errorText,
  HOW_TO_GET_DOLT,
  saysDiskFull,
  tryAgain,
  unavailable,
} from './failures.js';

export const GO_PACKAGE = 'github.com/dolthub/dolt/go/cmd/dolt@v0.40.5-0.20260715172757-a6690826d767';
const GO_MINIMUM = '1.26';
const WAIT_FOR_OTHER_MS = 30 * 60_000;

/** Told what is going on, in whole lines. */
export type Progress = (line: string) => void;

/** The Dolt that is there, or one that is installed now. Failures: `unavailable`, `try-again`. */
export async function ensureDolt(
  place: StorePlace,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Result<DoltBinary>> {
  const found = await findDolt(place);
  if (found.ok || place.doltBin !== null) return found;
  const folder = join(place.cache, 'dolt');
  const taken = await waitForLock(join(folder, 'install.lock'), progress);
  if (!taken.taken)
    return failure(
      tryAgain('Dolt is being installed by another process and that takes too long.', 'Run the command again later.'),
    );
  try {
    const meanwhile = await findDolt(place);
    if (meanwhile.ok) return meanwhile;
    return await install(place, folder, progress, signal);
  } finally {
    await taken.lock.release();
  }
}

/** Asks seldom: an installation takes minutes, and each question starts a program. */
async function waitForLock(path: string, progress: Progress): Promise<LockResult> {
  const end = Date.now() + WAIT_FOR_OTHER_MS;
  for (let told = false; ; told = true) {
    const answer = await takeLock(path);
    if (answer.taken || answer.why === 'unsupported' || Date.now() >= end) return answer;
    if (!told) progress('Another process is installing Dolt; waiting for it.');
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function install(
  place: StorePlace,
  folder: string,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<Result<DoltBinary>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder))
    if (name.startsWith('install-')) await rm(join(folder, name), { recursive: true, force: true });
  const workspace = await mkdtemp(join(folder, 'install-'));
  try {
    const built =
      place.doltUrl === null
        ? await byGo(place, workspace, progress, signal)
        : await byDownload(place.doltUrl, place.doltSha256, workspace, progress, signal);
    if (!built.ok) return built;
    await chmod(built.value, 0o755);
    const version = await versionOf(built.value, place.cache);
    if (version === null || !isAtLeast(version, DOLT_MINIMUM))
      return failure(
        unavailable(
          `What was installed is ${version === null ? 'no working dolt' : `dolt ${version}, older than ${DOLT_MINIMUM}`}.`,
          HOW_TO_GET_DOLT,
        ),
      );
    const target = cachedBinary(place.cache);
    await mkdir(dirname(target), { recursive: true });
    const handle = await open(built.value, 'r');
    await handle.sync();
    await handle.close();
    await rename(built.value, target);
    progress(`Dolt ${version} is at ${target}.`);
    return success({ path: target, version, from: 'cache' });
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

async function byGo(
  place: StorePlace,
  workspace: string,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<Result<string>> {
  const go = await findProgram('go', place.env['PATH']);
  const version =
    go === null
      ? null
      : (/go(\d+\.\d+(?:\.\d+)?)/.exec(
          (await capture({ command: [go, 'version'], cwd: workspace, env: place.env })).stdout,
        )?.[1] ?? null);
  if (go === null || version === null || !isAtLeast(version, GO_MINIMUM)) {
    return failure(
      unavailable(
        `Dolt cannot be installed here: ${go === null ? 'there is no go program' : `go is ${version ?? 'not working'}, ${GO_MINIMUM} is needed`} and store.dolt_url is not set.`,
        HOW_TO_GET_DOLT,
      ),
    );
  }
  progress(`Building Dolt ${DOLT_VERSION} with Go ${version}; this takes some minutes, once.`);
  let packages = 0;
  let tail = '';
  const end = await run({
    command: [go, 'install', '-v', '-tags', 'gms_pure_go', GO_PACKAGE],
    cwd: workspace,
    env: { ...place.env, GOBIN: workspace, GOFLAGS: '' },
    ...(signal === undefined ? {} : { signal }),
    onStderr: (chunk) => {
      const text = chunk.toString('utf8');
      tail = (tail + text).slice(-2000);
      const before = packages;
      packages += text.split('\n').length - 1;
      if (Math.floor(packages / 100) > Math.floor(before / 100)) progress(`${packages} packages fetched or compiled.`);
    },
  });
  if (end.code === 0) return success(join(workspace, 'dolt'));
  if (saysDiskFull(tail))
    return failure(tryAgain('Building Dolt failed: the disk is full.', 'Free some space and run the command again.'));
  return failure(
    unavailable(
      `Building Dolt failed: ${tail.trim().split('\n').slice(-3).join(' / ') || end.spawnError?.message || `exit code ${String(end.code)}`}.`,
      HOW_TO_GET_DOLT,
    ),
  );
}

async function byDownload(
  url: string,
  checksum: string | null,
  workspace: string,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<Result<string>> {
  const file = join(workspace, 'download');
  const refused = (why: string): { readonly ok: false; readonly failures: readonly Failure[] } =>
    failure(unavailable(`Dolt was not installed from ${url}: ${why}.`, 'Check store.dolt_url and store.dolt_sha256.'));
  progress(`Fetching Dolt from ${url}.`);
  try {
    const response = await fetch(url, signal === undefined ? {} : { signal });
    if (!response.ok || response.body === null) return refused(`the server answered ${response.status}`);
    // Node's own web stream type and the library's are the same object at run time.
    await pipeline(
      Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]),
      createWriteStream(file, { mode: 0o600 }),
    );
  } catch (error) {
    const text =
      errorText(error) + (error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '');
    return saysDiskFull(text)
      ? failure(tryAgain('Fetching Dolt failed: the disk is full.', 'Free some space and run the command again.'))
      : refused(text);
  }
  const actual = await sha256File(file);
  if (checksum !== null && actual !== checksum.toLowerCase())
    return refused(`its SHA-256 is ${actual}, not the configured ${checksum}`);
  if (checksum === null) progress(`store.dolt_sha256 is not set; this download has SHA-256 ${actual}.`);
  if (!(await isGzip(file))) return success(file);
  const unpacked = join(workspace, 'unpacked');
  await mkdir(unpacked);
  const tar = await capture({ command: ['tar', '-xzf', file, '-C', unpacked, '--no-same-owner'], cwd: workspace });
  if (!tar.ok) return refused(`it cannot be unpacked (${tar.stderr.trim()})`);
  const inside = (await readdir(unpacked, { recursive: true })).filter(
    (name) => name === 'dolt' || name.endsWith('/bin/dolt') || name.endsWith('/dolt'),
  );
  for (const name of inside) if ((await stat(join(unpacked, name))).isFile()) return success(join(unpacked, name));
  return refused('the archive holds no dolt program');
}

async function isGzip(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

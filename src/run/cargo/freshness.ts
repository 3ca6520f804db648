/**
 * Is what cargo calls fresh really built from the sources that are there now? Cargo compares mtimes only, and those can
 * lie: sources unpacked with old times, a target directory shared by two worktrees, a directory that came with a clone.
 *
 * An artifact that cargo took as fresh is believed in two cases, and all else is built again in a private directory:
 * 1. a run of ours recorded this very file (inode, size, mtime) as built from these very contents;
 * 2. the target directory lies in this tree and none of it is tracked by git, and no input, nor a folder on the way to it,
 *    has a ctime after the artifact was written. ctime is set by the kernel on every write, chmod and rename.
 *
 * Limits: what a procedural macro reads without telling the compiler is unknown to cargo and to this; whoever can set
 * the system's clock can set ctimes.
 */
import { lstat, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists, writeAtomically } from '../../util/files.js';
import { gitLine } from '../../util/git.js';
import { sha256 } from '../../util/hash.js';
import { foldersChangedMs, hashInputs, inputFiles, type InputFile, type KnownHashes } from './inputs.js';
import { asObject, asText, parseObject } from './json.js';
import { isInTree } from './gate.js';
import { unitKey, type Artifact, type BuildStream } from './stream.js';

interface Recorded {
  readonly identity: string;
  readonly inputs: string;
}

/** What our builds in one target directory were made from. */
export interface BuildRecord {
  readonly units: Map<string, Recorded>;
  readonly hashes: KnownHashes;
}

const recordFile = (stateFolder: string, targetDirectory: string): string =>
  join(stateFolder, 'records', `${sha256(targetDirectory).slice(0, 24)}.json`);

/** An unreadable record is an empty one: then nothing is known, which costs a build and no wrong verdict. */
export async function loadRecord(stateFolder: string | null, targetDirectory: string): Promise<BuildRecord> {
  const record: BuildRecord = { units: new Map(), hashes: new Map() };
  if (stateFolder === null) return record;
  const content = parseObject(await readFile(recordFile(stateFolder, targetDirectory), 'utf8').catch(() => ''));
  for (const [key, value] of Object.entries(asObject(content?.['units']) ?? {})) {
    const entry = asObject(value);
    const identity = asText(entry?.['identity']);
    const inputs = asText(entry?.['inputs']);
    if (identity !== null && inputs !== null) record.units.set(key, { identity, inputs });
  }
  for (const [path, value] of Object.entries(asObject(content?.['hashes']) ?? {})) {
    const entry = asObject(value);
    const stamp = asText(entry?.['stamp']);
    const hash = asText(entry?.['sha256']);
    if (stamp !== null && hash !== null) record.hashes.set(path, { stamp, sha256: hash });
  }
  return record;
}

const MOST_UNITS = 4000;

export async function saveRecord(
  stateFolder: string | null,
  targetDirectory: string,
  record: BuildRecord,
): Promise<void> {
  if (stateFolder === null) return;
  const units = Object.fromEntries([...record.units].slice(-MOST_UNITS));
  await writeAtomically(
    recordFile(stateFolder, targetDirectory),
    JSON.stringify({ units, hashes: Object.fromEntries(record.hashes) }),
    0o600,
  ).catch(() => undefined);
}

async function identityOf(
  artifact: Artifact,
): Promise<{ readonly identity: string; readonly writtenMs: number } | null> {
  const path = artifact.filenames[0];
  if (path === undefined) return null;
  const stat = await lstat(path, { bigint: true }).catch(() => null);
  if (stat === null) return null;
  return { identity: `${stat.ino}.${stat.size}.${stat.mtimeNs}`, writtenMs: Number(stat.mtimeNs / 1000n) / 1000 };
}

/** The dep-info beside an artifact: `deps/x-<hash>.d` for `x-<hash>`, `libx-<hash>.rlib` and `.so`. */
const depInfoOf = (artifact: Artifact): string[] =>
  artifact.filenames.flatMap((path) => {
    const stem = basename(path).replace(/\.(?:rlib|rmeta|so|dylib|a|exe)$/u, '');
    return [join(dirname(path), `${stem}.d`), join(dirname(path), `${stem.replace(/^lib/u, '')}.d`)];
  });

export interface FreshnessOptions {
  readonly workspaceRoot: string;
  /** Top of the tree: what lies below it can change under its version. */
  readonly top: string;
  readonly targetDirectory: string;
  readonly record: BuildRecord;
  readonly startedMs: number;
}

/** A package's inputs at one moment. */
async function packageState(
  packageId: string,
  stream: BuildStream,
  options: FreshnessOptions,
): Promise<{ readonly folder: string; readonly files: readonly InputFile[]; readonly hash: string }> {
  const own = stream.artifacts.filter((artifact) => artifact.packageId === packageId);
  const scripts = stream.scripts.filter((script) => script.packageId === packageId);
  const folder = dirname(own[0]?.manifestPath ?? options.workspaceRoot);
  const hasScript = own.some((artifact) => artifact.target.kind.includes('custom-build'));
  const files = await inputFiles({
    folder,
    workspaceRoot: options.workspaceRoot,
    depInfo: own.flatMap(depInfoOf),
    scriptOutputs: hasScript ? scripts.map((script) => join(dirname(script.outDirectory), 'output')) : null,
  });
  return { folder, files, hash: await hashInputs(files, options.workspaceRoot, options.record.hashes) };
}

/** Rule 2 of the page: the target directory is this tree's own and did not come with it. */
async function isOwnDirectory(options: FreshnessOptions): Promise<boolean> {
  if (!options.targetDirectory.startsWith(`${options.workspaceRoot}/`)) return false;
  if ((await lstat(options.targetDirectory).catch(() => null))?.isDirectory() !== true) return false;
  const tracked = await gitLine(options.workspaceRoot, ['ls-files', '--', options.targetDirectory]);
  // Outside git nothing can have come with a clone.
  return tracked === null ? !(await exists(join(options.workspaceRoot, '.git'))) : tracked === '';
}

/**
 * The artifacts that were taken as fresh and cannot be shown to be built from what is there now; what can be shown, and
 * what was built just now, is recorded. `built` holds units that this run has built already, and grows.
 */
export async function unprovenArtifacts(
  stream: BuildStream,
  built: Set<string>,
  options: FreshnessOptions,
): Promise<readonly Artifact[]> {
  const local = stream.artifacts.filter((artifact) => isInTree(artifact, options.top));
  const unproven: Artifact[] = [];
  let ownDirectory: boolean | null = null;
  for (const packageId of new Set(local.map((artifact) => artifact.packageId))) {
    const { folder, files, hash } = await packageState(packageId, stream, options);
    const changedMs = Math.max(
      ...files.map((file) => file.changedMs),
      folder === options.workspaceRoot
        ? 0
        : await lstat(folder).then(
            (stat) => stat.ctimeMs,
            () => 0,
          ),
      await foldersChangedMs(files, folder),
    );
    for (const artifact of local.filter((one) => one.packageId === packageId)) {
      const key = unitKey(artifact);
      const now = await identityOf(artifact);
      const known = options.record.units.get(key);
      // A source that was written while cargo worked may or may not be in the artifact: nothing is recorded then.
      const quiet = changedMs < options.startedMs;
      if (!artifact.fresh) built.add(key);
      let proven = built.has(key);
      if (!proven && now !== null) {
        proven = known !== undefined && known.identity === now.identity && known.inputs === hash;
        if (!proven && changedMs < now.writtenMs) proven = ownDirectory ??= await isOwnDirectory(options);
      }
      if (!proven) unproven.push(artifact);
      else if (now !== null && (quiet || (known?.identity === now.identity && known.inputs === hash)))
        options.record.units.set(key, { identity: now.identity, inputs: hash });
      else options.record.units.delete(key);
    }
  }
  return unproven;
}

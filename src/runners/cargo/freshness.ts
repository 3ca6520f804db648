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
    // A build script's program has no hash in its name; its folder and its dep-info have.
    const hash = /-([0-9a-f]+)$/u.exec(dirname(path))?.[1] ?? '';
    const names = [stem, stem.replace(/^lib/u, ''), `${artifact.target.name.replaceAll('-', '_')}-${hash}`];
    return names.map((name) => join(dirname(path), `${name}.d`));
  });

export interface FreshnessOptions {
  readonly workspaceRoot: string;
  /** Top of the tree: what lies below it can change under its version. */
  readonly top: string;
  readonly targetDirectory: string;
  readonly record: BuildRecord;
  readonly startedMs: number;
}

/** An artifact's inputs at one moment. */
async function stateOf(
  artifact: Artifact,
  stream: BuildStream,
  options: FreshnessOptions,
): Promise<{ readonly folder: string; readonly files: readonly InputFile[]; readonly hash: string }> {
  const { packageId, manifestPath, target } = artifact;
  const scripts = stream.scripts.filter((script) => script.packageId === packageId);
  const folder = dirname(manifestPath === '' ? `${options.workspaceRoot}/Cargo.toml` : manifestPath);
  // The script itself is compiled before it runs: what it watches and writes is no input of its own.
  const hasScript =
    !target.kind.includes('custom-build') &&
    stream.artifacts.some((one) => one.packageId === packageId && one.target.kind.includes('custom-build'));
  const files = await inputFiles({
    folder,
    workspaceRoot: options.workspaceRoot,
    depInfo: depInfoOf(artifact),
    scriptOutputs: hasScript ? scripts.map((script) => join(dirname(script.outDirectory), 'output')) : null,
  });
  return { folder, files, hash: await hashInputs(files, options.workspaceRoot, options.record.hashes) };
}

/** Rule 2 of the page: the target directory is this tree's own and did not come with it. */
export async function isOwnDirectory(
  options: Pick<FreshnessOptions, 'workspaceRoot' | 'targetDirectory'>,
): Promise<boolean> {
  if (!options.targetDirectory.startsWith(`${options.workspaceRoot}/`)) return false;
  if ((await lstat(options.targetDirectory).catch(() => null))?.isDirectory() !== true) return false;
  const tracked = await gitLine(options.workspaceRoot, ['ls-files', '--', options.targetDirectory]);
  // Outside git nothing can have come with a clone.
  return tracked === null ? !(await exists(join(options.workspaceRoot, '.git'))) : tracked === '';
}

/** An artifact that may be of other sources, and the input that changed last. */
export interface Unproven {
  readonly artifact: Artifact;
  readonly file: string;
}

/** When an input, or a folder on the way to it, changed last, and which input that was. */
async function lastChange(
  folder: string,
  files: readonly InputFile[],
  options: FreshnessOptions,
): Promise<readonly [number, string]> {
  const last = files.reduce<InputFile | null>(
    (latest, file) => (latest === null || file.changedMs > latest.changedMs ? file : latest),
    null,
  );
  const ofFolder =
    folder === options.workspaceRoot
      ? 0
      : await lstat(folder).then(
          (stat) => stat.ctimeMs,
          () => 0,
        );
  const ofFolders = Math.max(ofFolder, await foldersChangedMs(files, folder, options.targetDirectory));
  const ofFile = last?.changedMs ?? 0;
  return ofFolders > ofFile ? [ofFolders, folder] : [ofFile, last?.path ?? folder];
}

/**
 * The artifacts that were taken as fresh and cannot be shown to be built from what is there now; what can be shown, and
 * what was built just now, is recorded. `built` holds units that this run has built already, and grows.
 */
export async function unprovenArtifacts(
  stream: BuildStream,
  built: Set<string>,
  options: FreshnessOptions,
): Promise<readonly Unproven[]> {
  const local = stream.artifacts.filter((artifact) => isInTree(artifact, options.top));
  const unproven: Unproven[] = [];
  let ownDirectory: boolean | null = null;
  for (const artifact of local) {
    const { folder, files, hash } = await stateOf(artifact, stream, options);
    const [changedMs, file] = await lastChange(folder, files, options);
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
    if (!proven) unproven.push({ artifact, file });
    else if (now !== null && (quiet || (known?.identity === now.identity && known.inputs === hash)))
      options.record.units.set(key, { identity: now.identity, inputs: hash });
    else options.record.units.delete(key);
  }
  return unproven;
}

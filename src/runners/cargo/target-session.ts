/**
 * Where a batch's builds go, and whether what comes out of them may be believed.
 *
 * - On the user's tree: the user's own target directory; what is fresh there must be proven (freshness.ts).
 * - Speculative: the session's warm directory, under its lock, purged and gated (purge.ts, gate.ts).
 * - When either fails: a private directory that only this tree uses, under its lock, purged and gated as well;
 *   after a stale member of a warm directory a new, cold one.
 * - In a container: a target directory outside the workspace belongs to the layer, and what one container writes there no
 *   other one sees. It is copied to where all containers of the batch see it, and that copy is purged and gated.
 */
import { lstat, mkdtemp, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunContext, Workspace } from '../../run/adapters.js';
import { sha256 } from '../../util/hash.js';
import type { Lock } from '../../util/lock.js';
import { makeFolder } from './folder.js';
import { buildPackages, type Build, type BuildRequest } from './build.js';
import { FreshnessGate } from './gate.js';
import {
  isOwnDirectory,
  loadRecord,
  saveRecord,
  unprovenArtifacts,
  type BuildRecord,
  type Unproven,
} from './freshness.js';
import { waitForLock } from './lock-file.js';
import type { Metadata, Package } from './metadata.js';
import { runProgram, runWhole } from './program.js';
import { isLinkedWorktree, purgeTree, topLevel, touchTree, type RunCargo } from './purge.js';
import { vendorArguments } from './vendor.js';

type Mode = 'own' | 'shared' | 'private' | 'cold';

export interface SessionOptions {
  readonly workspace: Workspace;
  readonly context: RunContext;
  readonly metadata: Metadata;
  readonly cargo: string;
  readonly directory: string;
  /** Environment of cargo itself, without a target directory. */
  readonly env: Readonly<Record<string, string>>;
  readonly locked: boolean;
  /** `<cache>/cargo`, for records and private directories; null when the caller has no cache. */
  readonly stateFolder: string | null;
  readonly label: (stem: string) => string;
}

/** The lock of a target directory that several runs share; it also says when the directory was last used. */
export const directoryLock = (targetDirectory: string): string => join(targetDirectory, '.coherence.lock');

export class TargetSession implements AsyncDisposable {
  readonly #options: SessionOptions;
  #mode: Mode;
  #directory: string | null;
  #lock: Lock | null = null;
  #gate = new FreshnessGate();
  #arguments: readonly string[] = [];
  #top: string;
  #record: BuildRecord | null = null;
  readonly #built = new Set<string>();
  #doomed: string | null = null;
  /** Stale members were removed from the user's own target directory: once, then somebody else puts them back. */
  #healed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#top = options.metadata.workspaceRoot;
    const warm =
      options.workspace.place === 'host'
        ? options.context.cargoEnv.find(([name]) => name === 'CARGO_TARGET_DIR')?.[1]
        : undefined;
    this.#mode = warm === undefined ? 'own' : 'shared';
    this.#directory = warm ?? null;
  }

  /** What to set for every cargo call of this batch. */
  get env(): Readonly<Record<string, string>> {
    const { env } = this.#options;
    if (this.#directory === null) return env;
    // A configured build directory would lead private builds back to shared intermediate files.
    const isolated =
      this.#mode === 'private' || this.#mode === 'cold' ? { CARGO_BUILD_BUILD_DIR: this.#directory } : {};
    return { ...env, CARGO_TARGET_DIR: this.#directory, ...isolated };
  }

  /** Arguments for every cargo call of this batch. */
  get arguments(): readonly string[] {
    return this.#arguments;
  }

  #run: RunCargo = async (args) => {
    const { workspace, cargo, directory, label, context } = this.#options;
    const done = await runWhole(
      workspace,
      {
        command: [cargo, ...args, ...this.#arguments],
        directory,
        env: this.env,
        timeoutMs: null,
        label: label('purge'),
      },
      context.signal,
    );
    return { ok: done.ok, stdout: done.stdout, stderr: done.stderr };
  };

  /** Takes the directory and makes it forget this tree. Where that is not possible, goes on in a cold one. */
  async open(): Promise<void> {
    if (this.#options.workspace.place !== 'host') return this.#openInContainer();
    this.#top = await topLevel(this.#options.metadata.workspaceRoot);
    if (this.#mode !== 'shared') return;
    if (!(await this.#prepare())) await this.#goCold();
  }

  async #openInContainer(): Promise<void> {
    const { workspace, context, metadata, directory, label, locked } = this.#options;
    const layers = metadata.targetDirectory;
    const inWorkspace = layers.startsWith(`${workspace.root}/`)
      ? join(workspace.hostRoot, layers.slice(workspace.root.length + 1))
      : null;
    // A link of the environment (`link: { target: /opt/target }`) leads out of the workspace too.
    if (inWorkspace !== null && (await lstat(inWorkspace).catch(() => null))?.isSymbolicLink() !== true) return;
    this.#mode = 'private';
    this.#directory = `${workspace.reports.inside}/cargo-target`;
    const copied = await runProgram(
      workspace,
      {
        command: ['sh', '-c', 'mkdir -p "$1" && { [ ! -d "$0" ] || cp -a "$0/." "$1/"; }', layers, this.#directory],
        directory,
        env: {},
        timeoutMs: null,
        label: label('target'),
      },
      context.signal,
    );
    if (!copied.ok) return this.#goCold();
    await purgeTree({ run: this.#run, top: this.#top, locked });
  }

  async #prepare(): Promise<boolean> {
    const { context, metadata, locked } = this.#options;
    const directory = this.#directory;
    if (directory === null) return true;
    await makeFolder(directory).catch(() => undefined);
    this.#lock = await waitForLock(directoryLock(directory), context.signal, 24 * 3600 * 1000);
    if (this.#lock === null) return false;
    await utimes(directoryLock(directory), new Date(), new Date()).catch(() => undefined);
    this.#gate = new FreshnessGate();
    this.#arguments = await vendorArguments(metadata.workspaceRoot, this.#top, directory).catch(() => []);
    // A tree that cargo cannot read at all: the build will say why. Whatever this did not remove, the gate will see.
    await purgeTree({ run: this.#run, top: this.#top, locked });
    // The whole checkout: a path dependency may lie outside of the project's own folder.
    if (this.#mode === 'shared' && (await isLinkedWorktree(this.#top))) await touchTree(this.#top);
    return true;
  }

  async #release(): Promise<void> {
    await this.#lock?.release();
    this.#lock = null;
  }

  /** A directory that only this tree's doubtful builds use: dependencies stay warm there, members are always compiled. */
  async #goPrivate(): Promise<void> {
    const { workspace, metadata, stateFolder } = this.#options;
    if (workspace.place !== 'host' || stateFolder === null) return this.#goCold();
    await this.#release();
    this.#mode = 'private';
    this.#directory = join(stateFolder, `private-${sha256(metadata.workspaceRoot).slice(0, 16)}`);
    if (!(await this.#prepare())) await this.#goCold();
  }

  async #goCold(): Promise<void> {
    const { workspace, stateFolder } = this.#options;
    await this.#release();
    await this.#discard();
    this.#mode = 'cold';
    this.#gate = new FreshnessGate();
    this.#arguments = [];
    if (workspace.place === 'host') {
      const inCache =
        stateFolder === null
          ? null
          : await makeFolder(stateFolder)
              .then(async () => mkdtemp(join(stateFolder, 'cold-')))
              .catch(() => null);
      this.#directory = inCache ?? (await mkdtemp(join(workspace.reports.host, 'cold-')));
      this.#doomed = this.#directory;
      this.#lock = await waitForLock(directoryLock(this.#directory), undefined, 0);
    } else this.#directory = `${workspace.reports.inside}/cargo-cold`;
  }

  async #discard(): Promise<void> {
    if (this.#doomed !== null) await rm(this.#doomed, { recursive: true, force: true }).catch(() => undefined);
    this.#doomed = null;
  }

  /** Artifacts of a build that must not be believed. */
  async #doubtful(build: Build, startedMs: number): Promise<readonly Unproven[]> {
    const { workspace, metadata, stateFolder } = this.#options;
    if (this.#mode !== 'own' || workspace.place !== 'host')
      return this.#gate
        .stale(build.stream.artifacts, this.#top)
        .map((artifact) => ({ artifact, file: artifact.manifestPath }));
    const directory = metadata.targetDirectory;
    this.#record ??= await loadRecord(stateFolder, directory);
    const unproven = await unprovenArtifacts(build.stream, this.#built, {
      workspaceRoot: metadata.workspaceRoot,
      top: this.#top,
      targetDirectory: directory,
      record: this.#record,
      startedMs,
    });
    await saveRecord(stateFolder, directory, this.#record);
    return unproven;
  }

  /** Builds packages; what is returned may be run. Null when even a cold directory gave a stale member (our own defect or a broken clock). */
  async build(
    request: Omit<
      BuildRequest,
      'env' | 'configuration' | 'workspace' | 'cargo' | 'directory' | 'locked' | 'label' | 'signal'
    >,
  ): Promise<Build | null> {
    const { workspace, cargo, directory, locked, label, context } = this.#options;
    for (;;) {
      const startedMs = Date.now();
      const build = await buildPackages({
        ...request,
        workspace,
        cargo,
        directory,
        locked,
        label: () => label('build'),
        env: this.env,
        configuration: this.#arguments,
        signal: context.signal,
      });
      const doubtful = await this.#doubtful(build, startedMs);
      const names = new Map(doubtful.map(({ artifact, file }) => [artifact.packageId, file]));
      for (const [name, file] of names)
        context.emit({
          type: 'cargo.stale_member',
          package: name,
          file,
          target_dir: this.#directory ?? this.#options.metadata.targetDirectory,
        });
      if (names.size === 0) return build;
      if (this.#mode === 'cold') return null;
      if (this.#mode === 'own' && (await this.#heal(request.packages, [...names.keys()]))) continue;
      if (this.#mode === 'own') await this.#goPrivate();
      else await this.#goCold();
    }
  }

  /**
   * Makes the user's own target directory forget stale members, so that cargo compiles them again where they are: what is
   * built then is known, and the next run finds it fresh. Not where the directory came with the tree or belongs to others.
   */
  async #heal(packages: readonly Package[], stale: readonly string[]): Promise<boolean> {
    const { metadata, workspace, locked } = this.#options;
    if (this.#healed || workspace.place !== 'host' || !(await isOwnDirectory(metadata))) return false;
    this.#healed = true;
    const names = [...packages, ...metadata.packages].filter((entry) => stale.includes(entry.id));
    if (names.length === 0) return false;
    const options = [...new Set(names.map((entry) => entry.name))].flatMap((name) => ['--package', name]);
    const cleaned = await this.#run(['clean', ...(locked ? ['--locked'] : []), ...options]);
    return cleaned.ok;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#discard();
    await this.#release();
  }
}

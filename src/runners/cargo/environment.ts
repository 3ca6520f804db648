/**
 * The environment that `cargo test` gives to a test executable, made again for one that is started directly.
 * Compared with the real thing in test/runners/cargo/environment.real.test.ts.
 */
import { basename, dirname } from 'node:path/posix';
import type { ConfiguredVariable } from './configuration.js';
import { packageFolder, type Package } from './metadata.js';
import type { Artifact, BuildStream } from './stream.js';
import type { Toolchain } from './toolchain.js';

/** CARGO_PKG_… and CARGO_MANIFEST_…, as cargo derives them from the manifest. */
export function packageVariables(entry: Package): Readonly<Record<string, string>> {
  const version = /^(\d+)\.(\d+)\.(\d+)(?:-([^+]*))?/u.exec(entry.version);
  return {
    CARGO_MANIFEST_DIR: packageFolder(entry),
    CARGO_MANIFEST_PATH: entry.manifestPath,
    CARGO_PKG_NAME: entry.name,
    CARGO_PKG_VERSION: entry.version,
    CARGO_PKG_VERSION_MAJOR: version?.[1] ?? '',
    CARGO_PKG_VERSION_MINOR: version?.[2] ?? '',
    CARGO_PKG_VERSION_PATCH: version?.[3] ?? '',
    CARGO_PKG_VERSION_PRE: version?.[4] ?? '',
    CARGO_PKG_AUTHORS: entry.authors.join(':'),
    CARGO_PKG_DESCRIPTION: entry.description,
    CARGO_PKG_HOMEPAGE: entry.homepage,
    CARGO_PKG_REPOSITORY: entry.repository,
    CARGO_PKG_LICENSE: entry.license,
    CARGO_PKG_LICENSE_FILE: entry.licenseFile,
    CARGO_PKG_README: entry.readme,
    CARGO_PKG_RUST_VERSION: entry.rustVersion,
  };
}

/** The profile's folder (`target/debug`) of an executable in its `deps` or `examples`. */
function profileFolder(executable: string): string {
  const folder = dirname(executable);
  return ['deps', 'examples'].includes(basename(folder)) ? dirname(folder) : folder;
}

/** Folders for shared libraries, in cargo's order: build scripts', the profile's, its dependencies', the toolchain's. */
function libraryFolders(executable: string, stream: BuildStream, toolchain: Toolchain): string[] {
  const root = profileFolder(executable);
  const native = new Set<string>();
  for (const script of stream.scripts)
    for (const linked of script.linkedPaths) {
      const path = linked.replace(/^(?:native|crate|dependency|framework|all)=/u, '');
      if (path === root || path.startsWith(`${root}/`)) native.add(path);
    }
  return [
    ...[...native].sort(),
    root,
    `${root}/deps`,
    ...(toolchain.libraryFolder === null ? [] : [toolchain.libraryFolder]),
  ];
}

/** Programs of the same package that integration tests and benches may start. */
function programVariables(artifact: Artifact, stream: BuildStream): Record<string, string> {
  const found: Record<string, string> = {};
  if (!artifact.target.kind.includes('test') && !artifact.target.kind.includes('bench')) return found;
  for (const other of stream.artifacts)
    if (
      other.packageId === artifact.packageId &&
      !other.test &&
      other.executable !== null &&
      other.target.kind.includes('bin')
    )
      found[`CARGO_BIN_EXE_${other.target.name}`] = other.executable;
  return found;
}

export interface EnvironmentOptions {
  readonly entry: Package;
  readonly artifact: Artifact;
  readonly stream: BuildStream;
  readonly toolchain: Toolchain;
  readonly configured: readonly ConfiguredVariable[];
  /** What the caller and the link set; wins over `[env]` unless that is forced, as the shell's environment does. */
  readonly own: Readonly<Record<string, string>>;
}

/** What to add to the place's environment so that the executable sees what cargo would have given it. */
export function testEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { entry, artifact, stream, toolchain, own } = options;
  const libraryVariable = toolchain.host.includes('apple') ? 'DYLD_FALLBACK_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  const inherited = own[libraryVariable] ?? toolchain.base.get(libraryVariable);
  const scripts = stream.scripts.filter((script) => script.packageId === artifact.packageId);
  const fromCargo: Record<string, string> = {
    ...toolchain.added,
    ...packageVariables(entry),
    ...programVariables(artifact, stream),
  };
  for (const script of scripts) {
    if (script.outDirectory !== '') fromCargo['OUT_DIR'] = script.outDirectory;
    for (const [name, value] of script.env) fromCargo[name] = value;
  }
  fromCargo[libraryVariable] = [
    ...libraryFolders(artifact.executable ?? '', stream, toolchain),
    ...(inherited === undefined || inherited === '' ? [] : [inherited]),
  ].join(':');
  const configured: Record<string, string> = {};
  for (const { name, value, force } of options.configured)
    if (fromCargo[name] === undefined && (force || (own[name] === undefined && !toolchain.base.has(name))))
      configured[name] = value;
  return { ...own, ...configured, ...fromCargo };
}

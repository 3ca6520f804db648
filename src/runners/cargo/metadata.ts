/**
 * `cargo metadata --no-deps`: the packages and targets of a workspace, as cargo itself sees them.
 */
import { asList, asObject, asText, parseObject, texts, type JsonObject } from './json.js';

export interface Target {
  readonly name: string;
  /** `lib`, `proc-macro`, `bin`, `test`, `example`, `bench`, `custom-build`, … */
  readonly kind: readonly string[];
  /** Absolute, as cargo sees it. */
  readonly sourcePath: string;
  /** True when a plain `cargo test` builds a test executable of it. */
  readonly test: boolean;
  readonly doctest: boolean;
  readonly requiredFeatures: readonly string[];
}

export interface Package {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** Absolute path of Cargo.toml. */
  readonly manifestPath: string;
  readonly targets: readonly Target[];
  readonly dependencies: readonly string[];
  /** Null for a package that comes from a path; else the registry or repository that it is from. */
  readonly source: string | null;
  /** What cargo shows as CARGO_PKG_… at run time. */
  readonly description: string;
  readonly homepage: string;
  readonly repository: string;
  readonly license: string;
  readonly licenseFile: string;
  readonly readme: string;
  readonly rustVersion: string;
  readonly authors: readonly string[];
}

export interface Metadata {
  readonly workspaceRoot: string;
  readonly targetDirectory: string;
  readonly packages: readonly Package[];
}

export const packageFolder = (entry: Package): string => entry.manifestPath.replace(/[\\/][^\\/]*$/u, '');

function readTarget(value: unknown): Target | null {
  const target = asObject(value);
  const name = asText(target?.['name']);
  const sourcePath = asText(target?.['src_path']);
  if (target === null || name === null || sourcePath === null) return null;
  return {
    name,
    sourcePath,
    kind: texts(target['kind']),
    test: target['test'] === true,
    doctest: target['doctest'] === true,
    requiredFeatures: texts(target['required-features']),
  };
}

function readPackage(value: unknown): Package | null {
  const entry = asObject(value);
  const id = asText(entry?.['id']);
  const name = asText(entry?.['name']);
  const manifestPath = asText(entry?.['manifest_path']);
  if (entry === null || id === null || name === null || manifestPath === null) return null;
  const word = (key: string): string => asText(entry[key]) ?? '';
  return {
    id,
    name,
    manifestPath,
    version: word('version'),
    source: asText(entry['source']),
    targets: asList(entry['targets']).flatMap((target) => readTarget(target) ?? []),
    dependencies: asList(entry['dependencies']).flatMap((dependency) => asText(asObject(dependency)?.['name']) ?? []),
    description: word('description'),
    homepage: word('homepage'),
    repository: word('repository'),
    license: word('license'),
    licenseFile: word('license_file'),
    readme: word('readme'),
    rustVersion: word('rust_version'),
    authors: texts(entry['authors']),
  };
}

/** Null when the text is not what `cargo metadata --format-version 1` prints. */
export function readMetadata(text: string): Metadata | null {
  const line = text.split('\n').find((candidate) => candidate.startsWith('{'));
  const whole: JsonObject | null = line === undefined ? null : parseObject(line);
  const workspaceRoot = asText(whole?.['workspace_root']);
  const targetDirectory = asText(whole?.['target_directory']);
  if (whole === null || workspaceRoot === null || targetDirectory === null) return null;
  return {
    workspaceRoot,
    targetDirectory,
    packages: asList(whole['packages']).flatMap((entry) => readPackage(entry) ?? []),
  };
}

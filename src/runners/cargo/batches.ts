/** Grouping of cases: one batch a cargo workspace, place and environment. Reads manifests, executes nothing. */
import { posix } from 'node:path';
import type { Batch, Case } from '../../model/index.js';
import { sha256 } from '../../util/hash.js';
import { isDocCase } from './resolve.js';
import { packageAround, type FoundPackage } from './manifest.js';

export async function cargoBatches(root: string, cases: readonly Case[]): Promise<readonly Batch[]> {
  const around = new Map<string, FoundPackage | null>();
  const groups = new Map<
    string,
    { readonly directory: string; readonly packages: Set<string>; readonly cases: Case[] }
  >();
  for (const one of cases) {
    const folder = posix.dirname(one.file);
    if (!around.has(folder)) around.set(folder, await packageAround(root, one.file));
    const found = around.get(folder) ?? null;
    const directory = found === null || found.workspace.startsWith('..') ? (found?.folder ?? '') : found.workspace;
    const key = JSON.stringify([one.place, one.environment, directory]);
    const group = groups.get(key) ?? { directory, packages: new Set<string>(), cases: [] };
    if (found !== null && found.name !== '') group.packages.add(found.name);
    group.cases.push(one);
    groups.set(key, group);
  }
  return [...groups].map(([key, { directory, packages, cases: members }]): Batch => {
    const first = members[0];
    return {
      id: `cargo-${sha256(key).slice(0, 8)}`,
      runner: 'cargo',
      place: first?.place ?? 'host',
      environment: first?.environment ?? null,
      directory,
      cases: members,
      configuration: { packages: [...packages].sort().join(',') },
    };
  });
}

/** The feature sets of some cases, each with its cases, in a stable order; the plain build comes first. */
export function byFeatures<T extends { readonly case: Case }>(
  cases: readonly T[],
): readonly { readonly features: readonly string[]; readonly cases: readonly T[] }[] {
  const sets = new Map<string, { features: readonly string[]; cases: T[] }>();
  for (const one of cases) {
    const features = [...new Set(one.case.features)].sort();
    const key = features.join(',');
    const set = sets.get(key) ?? { features, cases: [] };
    set.cases.push(one);
    sets.set(key, set);
  }
  return [...sets].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, set]) => set);
}

export interface BuildArguments {
  readonly cargo: string;
  readonly packages: readonly string[];
  readonly features: readonly string[];
  readonly locked: boolean;
  /** `--config …` that a shared target directory needs. */
  readonly configuration: readonly string[];
  /** Benches are not among the targets that cargo builds for tests: those that are linked are named. */
  readonly targets: readonly string[];
}

/** `cargo test --no-run …`: builds all test executables of the packages, runs nothing. */
export const buildCommand = (options: BuildArguments): readonly string[] => [
  options.cargo,
  'test',
  '--no-run',
  '--message-format=json',
  ...(options.locked ? ['--locked'] : []),
  ...common(options),
  ...options.targets,
];

/** Features are named with their package, so that one package's do not have to exist in another. */
const common = (options: Pick<BuildArguments, 'packages' | 'features' | 'configuration'>): string[] => [
  ...options.configuration,
  ...options.packages.flatMap((name) => ['--package', name]),
  ...(options.features.length === 0
    ? []
    : [
        `--features=${options.packages.flatMap((name) => options.features.map((feature) => (feature.includes('/') ? feature : `${name}/${feature}`))).join(',')}`,
      ]),
];

/** `cargo test --doc` for one package; `words` are substrings, since rustdoc splits its test arguments at white space. */
export const docCommand = (options: Omit<BuildArguments, 'targets'>, words: readonly string[]): readonly string[] => [
  options.cargo,
  'test',
  '--doc',
  // The user's `[term] quiet` would leave out the line of each doc test.
  '--config',
  'term.quiet=false',
  ...(options.locked ? ['--locked'] : []),
  ...common(options),
  '--',
  ...words,
];

export function cargoPreview(batch: Batch, cargo: string): readonly (readonly string[])[] {
  const packages = (batch.configuration['packages'] ?? '').split(',').filter((name) => name !== '');
  const lines: (readonly string[])[] = [];
  for (const { features, cases } of byFeatures(batch.cases.map((one) => ({ case: one })))) {
    const shared = { cargo, packages, features, locked: false, configuration: [] };
    lines.push(buildCommand({ ...shared, targets: [] }));
    for (const { case: one } of cases) {
      if (isDocCase(one))
        lines.push(docCommand(shared, [`${/\(line (\d+)\)/u.exec(one.path.at(-1) ?? '')?.[1] ?? ''})`]));
      else
        lines.push([
          `<test executable of ${one.file}>`,
          '--exact',
          one.path.length === 0 ? '<every test>' : one.path.join('::'),
          ...(one.ignored ? ['--include-ignored'] : []),
          '--logfile',
          '<report>',
        ]);
    }
  }
  return lines;
}

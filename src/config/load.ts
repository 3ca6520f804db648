import { resolve } from 'node:path';
import { failure, success, type Failure, type Result } from '../model/index.js';
import { exists, findUp } from '../util/files.js';
import { join } from 'node:path';
import { resolveDirectories, type Directories, type Environment } from './directories.js';
import { settingKeys, type SettingKey } from './keys.js';
import {
  configPaths,
  environmentLayer,
  fileLayer,
  flagLayer,
  type ConfigPath,
  type Flags,
  type Layer,
  type Origin,
} from './layers.js';
import { MANIFEST, readManifest, type Manifest } from './manifest.js';
import type { Settings } from './settings.js';
import { settled } from './values.js';

/** Everything that holds for one project on this machine. Frozen. */
export interface Project {
  /** Absolute path of the folder that holds `.coherence`. */
  readonly root: string;
  readonly manifest: Manifest;
  readonly settings: Settings;
  /** For each key of `settingKeys`, where its effective value came from. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly directories: Directories;
  /** Config files that were looked for, weakest first. */
  readonly configFiles: readonly ConfigPath[];
  /** What the user should be told once: ignored keys, machine settings in the committed file. */
  readonly notes: readonly string[];
}

export interface LoadOptions {
  /** Absolute; the project is searched from here upwards, to the top of the git repository. */
  readonly cwd: string;
  readonly env: Environment;
  /** Values by setting key. */
  readonly flags?: Flags;
}

/**
 * Finds the project around `cwd` and settles its settings. Failures, all at once: `usage` (no project, bad flag),
 * `invalid-manifest`, `invalid-config`, `unsafe-path`.
 */
export async function loadProject(options: LoadOptions): Promise<Result<Project>> {
  const root = await projectRoot(options.cwd);
  if (root === null) return noProject(options.cwd);
  const [manifest, loaded] = await Promise.all([readManifest(root), loadSettings({ ...options, root })]);
  const failures = [...(manifest.ok ? [] : manifest.failures), ...(loaded.ok ? [] : loaded.failures)];
  if (!manifest.ok || !loaded.ok) return failure(...failures);
  const directories = await resolveDirectories({ root, slug: manifest.value.slug, cwd: options.cwd, env: options.env });
  return success(
    Object.freeze({
      root,
      manifest: manifest.value,
      directories,
      ...loaded.value,
      notes: [...manifest.value.notes, ...loaded.value.notes],
    }),
  );
}

/**
 * The project with default settings, whatever its files and variables say: for what must work although they are broken.
 * Failures: `usage` (no project), `invalid-manifest`.
 */
export async function loadWithDefaults(options: LoadOptions): Promise<Result<Project>> {
  const root = await projectRoot(options.cwd);
  if (root === null) return noProject(options.cwd);
  const manifest = await readManifest(root);
  if (!manifest.ok) return manifest;
  const defaults = settle([]);
  if (!defaults.ok) return defaults;
  const directories = await resolveDirectories({ root, slug: manifest.value.slug, cwd: options.cwd, env: options.env });
  const configFiles = configPaths(root, options.env, options.cwd);
  return success(Object.freeze({ root, manifest: manifest.value, directories, ...defaults.value, configFiles }));
}

/** Nothing above `cwd` is a project. */
export const noProject = (cwd: string): Result<never> =>
  failure({
    kind: 'usage',
    message: `There is no ${MANIFEST} in ${cwd} or above it.`,
    hint: 'Run "coherence init" in the project.',
  });

/** The folder with the manifest: `cwd` or an ancestor, not beyond the git repository that `cwd` is in. */
export async function projectRoot(cwd: string): Promise<string | null> {
  const found = await findUp(cwd, MANIFEST);
  if (found === null) return null;
  const top = await findUp(resolve(cwd), '.git');
  if (
    top !== null &&
    top !== found &&
    top.startsWith(found === '/' ? found : `${found}/`) &&
    !(await exists(join(top, MANIFEST)))
  )
    return null;
  return found;
}

export interface LoadedSettings {
  readonly settings: Settings;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly configFiles: readonly ConfigPath[];
  readonly notes: readonly string[];
}

/** The settings alone, for a reload: reads the files again. */
export async function loadSettings(options: LoadOptions & { readonly root: string }): Promise<Result<LoadedSettings>> {
  const configFiles = configPaths(options.root, options.env, options.cwd);
  const files = await Promise.all(configFiles.map((config) => fileLayer(options.root, config)));
  const settled = settle([...files, environmentLayer(options.env), flagLayer(options.flags ?? {})]);
  return settled.ok ? success({ ...settled.value, configFiles }) : settled;
}

/** Puts layers (weakest first) over the defaults. */
export function settle(layers: readonly Layer[]): Result<{
  readonly settings: Settings;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly notes: readonly string[];
}> {
  const failures = layers.flatMap((layer) => layer.failures);
  const origins = new Map<string, Origin>();
  for (const setting of settingKeys) origins.set(setting.key, effective(setting, layers));
  failures.push(...crossChecks(origins));
  if (failures.length > 0) return failure(...failures);
  const tree: Record<string, unknown> = {};
  for (const setting of settingKeys)
    put(tree, setting.key.split('.'), settled(setting, origins.get(setting.key)?.written));
  // The table has exactly the keys of Settings, with the types that their shapes read (test/config/settings.test.ts).
  return success({
    settings: deepFreeze(tree) as unknown as Settings,
    origins,
    notes: layers.flatMap((layer) => layer.notes),
  });
}

function effective(setting: SettingKey, layers: readonly Layer[]): Origin {
  let origin: Origin = { layer: 'default', where: '', written: setting.default };
  for (const layer of layers) {
    const found = layer.values.get(setting.key);
    if (found === undefined) continue;
    // Environments are told apart by name: one declared here does not hide those declared in a weaker file.
    // The shape of this key reads mappings only.
    origin =
      setting.type === 'environments'
        ? { ...found, written: { ...(origin.written as object), ...(found.written as object) } }
        : found;
  }
  return origin;
}

/** What holds between two keys. */
function crossChecks(origins: ReadonlyMap<string, Origin>): Failure[] {
  const low = origins.get('spawn_jitter_min_ms');
  const high = origins.get('spawn_jitter_max_ms');
  if (typeof low?.written !== 'number' || typeof high?.written !== 'number' || low.written <= high.written) return [];
  const culprit = low.layer === 'default' ? high : low;
  return [
    {
      kind: culprit.layer === 'flag' ? 'usage' : 'invalid-config',
      message: `spawn_jitter_min_ms (${low.written}) is larger than spawn_jitter_max_ms (${high.written}).`,
      hint: 'Make the minimum at most the maximum.',
      file: culprit.where,
      line: culprit.line ?? 1,
      column: culprit.column ?? 1,
    },
  ];
}

function put(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) tree[name] = value;
  else put((tree[name] ??= {}) as Record<string, unknown>, rest, value); // Groups and keys never share a name.
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

/**
 * `config set` and `config unset`: one value changes in one file, and every other byte stays. A file that cannot be read
 * is left alone; a crash leaves the old file or the new one.
 */
import { readdir, readFile, realpath, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  editMapping,
  emitPair,
  isMapNode,
  pairOf,
  parseYaml,
  readShape,
  shapes,
  type JsonMap,
  type Layout,
  type YamlSource,
} from '../catalog/index.js';
import { failure, success, type Failure, type Json, type Result } from '../model/index.js';
import { failpoint } from '../util/failpoint.js';
import { errorCode, insideRoot, writeAtomically } from '../util/files.js';
import { canonicalJson } from '../util/hash.js';
import { takeLock } from '../util/lock.js';
import { nearest, escapedRegExp } from '../util/text.js';
import { ensureStateFolder, resolveDirectories, type Environment } from './directories.js';
import { settingKey, settingKeys, settingNames, type SettingKey } from './keys.js';
import { configPaths, fileLayer, LOCAL_CONFIG, PROJECT_CONFIG, type ConfigPath } from './layers.js';
import { noProject, projectRoot, settle } from './load.js';
import { readManifest } from './manifest.js';
import { valueFromText } from './values.js';

export interface EditOptions {
  readonly cwd: string;
  readonly env: Environment;
  readonly key: string;
  /** As typed; null removes the key. */
  readonly value: string | null;
}

export interface EditedSetting {
  readonly key: string;
  /** In file form; null when it was removed. */
  readonly value: unknown;
  /** The file that holds it (as messages call it), and whether its bytes changed. */
  readonly file: string;
  readonly changed: boolean;
}

/** How long a second `config set` waits for the first, milliseconds. */
const LOCK_WAIT_MS = 10_000;

/**
 * Sets or removes one setting. Machine keys go to config.local.yaml, all others to config.yaml; with COHERENCE_CONFIG to
 * that file. Failures: `usage` (unknown key, bad value, no project), `invalid-config` (the file cannot be read: it is
 * left as it is), `invalid-manifest`, `unsafe-path`, `damaged-state`, `try-again` (another edit holds the lock).
 */
export async function editSetting(options: EditOptions): Promise<Result<EditedSetting>> {
  const setting = settingKey(options.key);
  if (setting === null) {
    const near = nearest(options.key, settingNames);
    return failure({
      kind: 'usage',
      message: `There is no setting "${options.key}".`,
      hint: near === null ? 'Run "coherence config list" for all of them.' : `Did you mean "${near}"?`,
    });
  }
  const value = options.value === null ? success(null) : valueFromText(setting, options.value);
  if (!value.ok) return value;
  const root = await projectRoot(options.cwd);
  if (root === null) return noProject(options.cwd);
  const manifest = await readManifest(root);
  if (!manifest.ok) return manifest;
  const directories = await resolveDirectories({ root, slug: manifest.value.slug, cwd: options.cwd, env: options.env });
  const state = await ensureStateFolder(directories.state);
  if (!state.ok) return state;
  const taken = await takeLock(join(state.value, 'config.lock'), LOCK_WAIT_MS);
  if (!taken.taken && taken.why === 'busy')
    return failure({
      kind: 'try-again',
      message: 'Another command is changing the settings.',
      hint: 'Try again when it has ended.',
    });
  try {
    return await editLocked(root, options, setting, value.value);
  } finally {
    if (taken.taken) await taken.lock.release();
  }
}

async function editLocked(
  root: string,
  options: EditOptions,
  setting: SettingKey,
  value: unknown,
): Promise<Result<EditedSetting>> {
  const paths = configPaths(root, options.env, options.cwd);
  const before = await Promise.all(paths.map((config) => fileLayer(root, config)));
  const target = targetOf(
    paths,
    setting,
    value === null
      ? before.find((layer) => layer.name === 'local')?.values.has(setting.key) === true &&
          before.find((layer) => layer.name === 'project')?.values.has(setting.key) !== true
      : false,
  );
  const inProject = target.shown === PROJECT_CONFIG || target.shown === LOCAL_CONFIG;
  if (inProject && (await insideRoot(root, target.shown)) === null) {
    return failure({
      kind: 'unsafe-path',
      message: `${target.shown} is a symlink that leads out of the project.`,
      hint: 'Replace it by a file.',
      file: target.shown,
      line: 1,
      column: 1,
    });
  }
  // The file behind a symlink is replaced, not the link.
  const path = await realpath(target.path).catch(() => target.path);
  await removeLeftovers(path);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT')
      return failure({
        kind: 'invalid-config',
        message: `${target.shown} cannot be read (${errorCode(error)}).`,
        hint: 'Check its permissions.',
        file: target.shown,
        line: 1,
        column: 1,
      });
    bytes = new Uint8Array();
  }
  const edited = editConfigText(bytes, target.shown, setting.key, value);
  if (!edited.ok) return edited;
  const result: EditedSetting = { key: setting.key, value, file: target.shown, changed: edited.value !== null };
  if (edited.value === null) return success(result);
  const text = edited.value;
  const layers = await Promise.all(
    paths.map((config) => (config === target ? fileLayer(root, config, text) : fileLayer(root, config))),
  );
  const worse = newFailures(settle(before), settle(layers));
  if (worse.length > 0)
    return failure(
      ...worse.map((found): Failure => ({
        kind: 'usage',
        message: found.message,
        ...(found.hint === undefined ? {} : { hint: found.hint }),
      })),
    );
  await writeAtomically(path, text, undefined, () => failpoint('K15'));
  return success(result);
}

function targetOf(paths: readonly ConfigPath[], setting: SettingKey, preferLocal: boolean): ConfigPath {
  const local = paths.find((config) => config.layer === 'local');
  const project = paths.find((config) => config.layer === 'project');
  const chosen = setting.machineOnly || preferLocal ? (local ?? project) : (project ?? local);
  if (chosen === undefined) throw new Error('a project has a config file to write to');
  return chosen;
}

/** Files that an edit killed between write and rename left behind; nobody else writes here while we hold the lock. */
async function removeLeftovers(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => []);
  const leftover = new RegExp(`^${escapedRegExp(basename(path))}\\.[0-9a-f]{12}\\.tmp$`);
  for (const name of names) if (leftover.test(name)) await unlink(join(dirname(path), name)).catch(() => undefined);
}

function newFailures(before: Result<unknown>, after: Result<unknown>): readonly Failure[] {
  if (after.ok) return [];
  const known = new Set(before.ok ? [] : before.failures.map((found) => found.message));
  return after.failures.filter((found) => !known.has(found.message));
}

const LEAF: Layout = { order: [], lists: {} };
const layoutOf = (prefix: string): Layout => {
  const maps: Record<string, Layout> = {};
  for (const setting of settingKeys) {
    const rest = setting.key.startsWith(prefix) ? setting.key.slice(prefix.length).split('.') : [];
    const name = rest[0];
    if (name !== undefined && rest.length > 1) maps[name] ??= layoutOf(`${prefix}${name}.`);
  }
  return { ...LEAF, maps, mayBeEmpty: prefix === '' };
};
const LAYOUT = layoutOf('');

/**
 * The text of a config file with one key set (or removed, for null); null when nothing changes. Values elsewhere in the
 * file may be invalid, so that `config set` can mend them; what is no YAML, or holds something else in the key's place, fails.
 */
export function editConfigText(
  bytes: Uint8Array | string,
  file: string,
  key: string,
  value: unknown,
): Result<string | null> {
  const parsed = parseYaml(bytes, file, 'invalid-config');
  if (!parsed.ok) return parsed;
  const { source } = parsed;
  const isEmpty = source.root === null || canonicalJson(source.document.toJS() ?? null) === 'null';
  const tree = isEmpty ? { value: {}, failures: [] } : readShape(shapes.json<JsonMap>(true), source.root, source);
  if (tree.value === undefined || tree.failures.length > 0) return failure(...tree.failures);
  const next = changed(tree.value, key.split('.'), value, groupHasComments(source, key));
  if (next === null)
    return failure(
      source.fail(
        0,
        `${key} cannot be set: ${key.split('.').slice(0, -1).join('.')} is no mapping in this file.`,
        'Correct the file by hand.',
      ),
    );
  if (canonicalJson(next) === canonicalJson(tree.value)) return success(null);
  if (isEmpty)
    return success(
      source.text +
        (source.text === '' || source.text.endsWith('\n') ? '' : '\n') +
        Object.entries(next)
          .map(([name, inner]) => `${emitPair(name, inner, 0)}\n`)
          .join(''),
    );
  const edited = editMapping(source.text, source.root, tree.value, next, LAYOUT);
  const again = edited === null ? null : parseYaml(edited, file, 'invalid-config');
  if (edited !== null && again !== null && again.ok) {
    const read =
      again.source.root === null
        ? { value: {}, failures: [] }
        : readShape(shapes.json<JsonMap>(true), again.source.root, again.source);
    if (read.failures.length === 0 && canonicalJson(read.value) === canonicalJson(next)) return success(edited);
  }
  return failure(
    source.fail(0, `${key} cannot be changed without touching other parts of this file.`, 'Edit the file by hand.'),
  );
}

/** Whether comments stand on lines of their own in the key's group. */
function groupHasComments(source: YamlSource, key: string): boolean {
  const pair = isMapNode(source.root) ? pairOf(source.root, key.split('.')[0] ?? '') : null;
  const [start, end] = [pair?.key?.range?.[0], pair?.value?.range?.[1]];
  return (
    start !== undefined &&
    end !== undefined &&
    isMapNode(pair?.value) &&
    pair.value.flow !== true &&
    /^[ \t]*#/m.test(source.text.slice(start, end))
  );
}

/**
 * The tree with one leaf set or removed; null when a group on the way is no mapping. A group that becomes empty goes too,
 * or stays without keys where it has comments to keep.
 */
function changed(tree: JsonMap, path: readonly string[], value: unknown, keepGroup: boolean): JsonMap | null {
  const [name, ...rest] = path;
  if (name === undefined) return tree;
  const { [name]: old, ...others } = tree;
  if (rest.length === 0) {
    if (value === null) return old === undefined ? tree : others;
    // A value of a setting is JSON: text, number, boolean, list or mapping of such.
    return { ...tree, [name]: value as Json };
  }
  if (old !== undefined && old !== null && (typeof old !== 'object' || Array.isArray(old))) return null;
  // Just told apart from everything else.
  const group = (old ?? {}) as JsonMap;
  const inner = changed(group, rest, value, keepGroup);
  if (inner === null) return null;
  if (value === null && inner === group) return tree;
  if (Object.keys(inner).length > 0 || value !== null) return { ...tree, [name]: inner };
  return keepGroup ? { ...tree, [name]: null } : others;
}

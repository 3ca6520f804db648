/** The sources of settings, weakest first: defaults, the user's config, the project's two files, environment, flags. */
import { lstatSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Failure } from '../model/index.js';
import { errorCode, insideRoot } from '../util/files.js';
import { nearest } from '../util/text.js';
import { userConfigPath, type Environment } from './directories.js';
import { parseConfig } from './file.js';
import { environmentVariable, settingKey, settingKeys, settingNames } from './keys.js';
import { valueFromText } from './values.js';

export type LayerName = 'default' | 'user' | 'project' | 'local' | 'environment' | 'flag';

/** Where an effective value came from. */
export interface Origin {
  readonly layer: LayerName;
  /** File (relative to the project when inside), variable or flag; '' for a default. */
  readonly where: string;
  readonly line?: number;
  readonly column?: number;
  /** The value in file form, as it was written. */
  readonly written: unknown;
}

export interface Layer {
  readonly name: LayerName;
  readonly values: ReadonlyMap<string, Origin>;
  readonly failures: readonly Failure[];
  readonly notes: readonly string[];
}

/** A config file that was looked for. */
export interface ConfigPath {
  readonly layer: 'user' | 'project' | 'local';
  /** Absolute. */
  readonly path: string;
  /** As messages call it. */
  readonly shown: string;
}

export const PROJECT_CONFIG = '.coherence/config.yaml';
export const LOCAL_CONFIG = '.coherence/config.local.yaml';

/** The config files of a project, weakest first. `COHERENCE_CONFIG` replaces the project's two. */
export function configPaths(root: string, env: Environment, cwd: string): readonly ConfigPath[] {
  const user = userConfigPath(env);
  const own: ConfigPath = { layer: 'user', path: user, shown: user };
  const replacement = env['COHERENCE_CONFIG'];
  if (replacement !== undefined && replacement !== '')
    return [own, { layer: 'local', path: resolve(cwd, replacement), shown: replacement }];
  return [
    own,
    { layer: 'project', path: join(root, PROJECT_CONFIG), shown: PROJECT_CONFIG },
    { layer: 'local', path: join(root, LOCAL_CONFIG), shown: LOCAL_CONFIG },
  ];
}

/** Reads one config file (or takes `content` for it); a missing one is an empty layer. */
export async function fileLayer(root: string, config: ConfigPath, content?: string): Promise<Layer> {
  const empty = { name: config.layer, values: new Map<string, Origin>(), failures: [], notes: [] };
  const inProject = config.shown === PROJECT_CONFIG || config.shown === LOCAL_CONFIG;
  const refuse = (kind: Failure['kind'], message: string, hint: string): Layer => ({
    ...empty,
    failures: [{ kind, message, hint, file: config.shown, line: 1, column: 1 }],
  });
  if (inProject && (await insideRoot(root, config.shown)) === null) {
    return refuse(
      'unsafe-path',
      `${config.shown} is a symlink that leads out of the project.`,
      'Replace it by a file; keep settings of this machine in .coherence/config.local.yaml.',
    );
  }
  let bytes: Uint8Array;
  try {
    if (content === undefined && lstatSync(config.path).isDirectory())
      return refuse('invalid-config', `${config.shown} is a folder.`, 'Remove it.');
    // A pipe in a project would be waited for. What the user names may well be one (or /dev/null).
    if (content === undefined && inProject && !statSync(config.path).isFile())
      return refuse('invalid-config', `${config.shown} is no regular file.`, 'Replace it by a file.');
    bytes = content === undefined ? await readFile(config.path) : Buffer.from(content);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR')
      return refuse(
        'invalid-config',
        `${config.shown} cannot be read (${errorCode(error)}).`,
        'Check its permissions.',
      );
    return inProject || config.layer === 'user'
      ? empty
      : { ...empty, notes: [`${config.shown} (COHERENCE_CONFIG) does not exist: defaults are used.`] };
  }
  const file = parseConfig(bytes, config.shown);
  const values = new Map<string, Origin>();
  const notes: string[] = [];
  for (const [key, written] of file.values) {
    const place = file.places.get(key);
    if (config.layer === 'project' && settingKey(key)?.machineOnly === true) {
      notes.push(
        `${config.shown}:${place?.line ?? 1}:${place?.column ?? 1}: warning: ${key} is ignored here, since it is about one machine; put it into ${LOCAL_CONFIG}.`,
      );
    } else values.set(key, { layer: config.layer, where: config.shown, ...place, written });
  }
  return { name: config.layer, values, failures: file.failures, notes };
}

const RESERVED =
  /^COHERENCE_(STATE_DIR|CACHE_DIR|CONFIG|ENV|TEST|FAILPOINTS|RUN_.*|AC_ID|ATTEMPT|SESSION|HOOK.*|DEBUG)$/;

/** Variables `COHERENCE_<KEY>`; an empty one counts as unset. */
export function environmentLayer(env: Environment): Layer {
  const values = new Map<string, Origin>();
  const failures: Failure[] = [];
  const known = new Map(settingKeys.map((setting) => [environmentVariable(setting.key), setting]));
  const notes: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('COHERENCE_') || text === undefined || text === '') continue;
    const setting = known.get(name);
    if (setting === undefined) {
      const near = RESERVED.test(name) ? null : nearest(name, known.keys());
      if (near !== null) notes.push(`The variable ${name} names no setting. Did you mean ${near}?`);
      continue;
    }
    const read = valueFromText(setting, text);
    if (read.ok) values.set(setting.key, { layer: 'environment', where: name, written: read.value });
    else
      failures.push(
        ...read.failures.map((found): Failure => ({
          ...found,
          kind: 'invalid-config',
          message: `${name}: ${found.message}`,
          file: name,
          line: 1,
          column: 1,
        })),
      );
  }
  return { name: 'environment', values, failures, notes };
}

export type Flags = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Values given on the command line, by key. */
export function flagLayer(flags: Flags): Layer {
  const values = new Map<string, Origin>();
  const failures: Failure[] = [];
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const setting = settingKey(key);
    if (setting === null) {
      const near = nearest(key, settingNames);
      failures.push({
        kind: 'usage',
        message: `There is no setting ${key}.`,
        ...(near === null ? {} : { hint: `Did you mean "${near}"?` }),
      });
      continue;
    }
    const read = valueFromText(setting, typeof value === 'object' ? JSON.stringify(value) : String(value));
    if (read.ok) values.set(key, { layer: 'flag', where: key, written: read.value });
    else failures.push(...read.failures);
  }
  return { name: 'flag', values, failures, notes: [] };
}

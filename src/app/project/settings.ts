/** Settings for people: value, origin, whether a daemon takes them at once; and typed edits that keep comments. */
import { existsSync } from 'node:fs';
import { editSetting, settingKey, settingKeys, type Project } from '../../config/index.js';
import { failure, success, type Failure, type Result } from '../../model/index.js';
import { nearest } from '../../util/text.js';

export interface ShownSetting {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
  readonly hot: boolean;
  readonly default: unknown;
}

function shown(project: Project, key: string): ShownSetting | null {
  const setting = settingKey(key);
  if (setting === null) return null;
  const origin = project.origins.get(key);
  const value = key
    .split('.')
    .reduce<unknown>(
      (tree, part) => (typeof tree === 'object' && tree !== null ? (tree as Record<string, unknown>)[part] : undefined),
      project.settings,
    ); // settings are plain nested objects
  const source =
    origin === undefined || origin.layer === 'default'
      ? 'default'
      : `${origin.where}${origin.line === undefined ? '' : `:${origin.line}`}`;
  return { key, value, source, hot: setting.hot, default: setting.default };
}

export const settingsOf = (project: Project): readonly ShownSetting[] =>
  settingKeys.flatMap((setting) => shown(project, setting.key) ?? []);

export const unknownSetting = (key: string): Failure => {
  const near = nearest(
    key,
    settingKeys.map((setting) => setting.key),
  );
  return {
    kind: 'usage',
    message: `There is no setting "${key}".`,
    hint: near === null ? '`coherence config list` shows them.' : `Did you mean ${near}?`,
  };
};

export function settingOf(project: Project, key: string): Result<ShownSetting> {
  const found = shown(project, key);
  return found === null ? failure(unknownSetting(key)) : success(found);
}

export const settingFiles = (
  project: Project,
): readonly { readonly path: string; readonly layer: string; readonly exists: boolean }[] =>
  project.configFiles.map((file) => ({ path: file.path, layer: file.layer, exists: existsSync(file.path) }));

export interface EditPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export async function setSetting(
  place: EditPlace,
  key: string,
  value: string,
): Promise<Result<{ readonly key: string; readonly value: unknown }>> {
  return editSetting({ ...place, key, value });
}

export async function unsetSetting(
  place: EditPlace,
  key: string,
): Promise<Result<{ readonly key: string; readonly value: unknown }>> {
  return editSetting({ ...place, key, value: null });
}

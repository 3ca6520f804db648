/** One value of a setting: from text (environment, flag, `config set`), and from file form to the form of `Settings`. */
import { parseYaml, readShape, type YamlNode } from '../catalog/index.js';
import { failure, success, type Failure, type Result } from '../model/index.js';
import { parseDuration } from '../util/duration.js';
import { environmentTroubles, type DockerEnvironment } from './environments.js';
import type { SettingKey } from './keys.js';

/** Reads text as the value of a setting, in file form. Failures have kind `usage`; their messages name the key. */
export function valueFromText(setting: SettingKey, text: string): Result<unknown> {
  const refuse = (message: string, hint?: string): Result<unknown> =>
    failure({ kind: 'usage', message, ...(hint === undefined ? {} : { hint }) });
  if (setting.type === 'boolean') {
    const value = { true: true, '1': true, false: false, '0': false }[text];
    return value === undefined
      ? refuse(`${setting.key} must be true or false, not "${text}".`, 'Write true or false.')
      : success(value);
  }
  if (setting.type === 'list' && !text.trimStart().startsWith('['))
    return checked(setting, JSON.stringify(text === '' ? [] : text.split(',').map((part) => part.trim())));
  if (setting.type === 'text' || setting.type === 'choice' || setting.type === 'duration')
    return checked(setting, JSON.stringify(text));
  if (setting.type === 'command' && !text.trimStart().startsWith('[')) return checked(setting, JSON.stringify(text));
  return checked(setting, text);
}

function checked(setting: SettingKey, yamlText: string): Result<unknown> {
  const parsed = parseYaml(yamlText, setting.key, 'usage');
  if (!parsed.ok) return { ok: false, failures: parsed.failures.map(withoutPlace) };
  const { value, failures } = readShape<unknown>(setting.shape, parsed.source.root, parsed.source, setting.key);
  const troubles = failures.length === 0 ? valueTroubles(setting, value) : [];
  const all = [
    ...failures,
    ...troubles.map((trouble) => ({ kind: 'usage' as const, message: trouble.message, hint: trouble.hint })),
  ];
  return all.length === 0 ? success(value) : { ok: false, failures: all.map(withoutPlace) };
}

const withoutPlace = ({ message, hint }: Failure): Failure => ({
  kind: 'usage',
  message,
  ...(hint === undefined ? {} : { hint }),
});

/** What a shape cannot say about one value. */
export function valueTroubles(
  setting: SettingKey,
  value: unknown,
): { readonly path: readonly (string | number)[]; readonly message: string; readonly hint: string }[] {
  // The shape of this key reads exactly this type.
  return setting.type === 'environments'
    ? environmentTroubles(value as Readonly<Record<string, DockerEnvironment>>)
    : [];
}

/** File form → the form that `Settings` holds: durations as milliseconds, commands as lists. */
export function settled(setting: SettingKey, value: unknown): unknown {
  if (setting.type === 'duration' && typeof value === 'string') return parseDuration(value);
  if (setting.type === 'command' && typeof value === 'string') return value.split(/\s+/).filter((part) => part !== '');
  return value;
}

/** The node at a path of keys and indices, or the nearest enclosing one that is there. */
export function nodeAt(
  root: YamlNode | null,
  document: { getIn(path: Iterable<unknown>, keepScalar: boolean): unknown },
  path: readonly (string | number)[],
): YamlNode | null {
  for (let length = path.length; length > 0; length -= 1) {
    const found = document.getIn(path.slice(0, length), true);
    // With keepScalar, `getIn` gives nodes; only a missing value is something else.
    if (typeof found === 'object' && found !== null && 'range' in found) return found as YamlNode;
  }
  return root;
}

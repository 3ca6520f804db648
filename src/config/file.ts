/** One config file → its values by key, or failures with file:line:column. */
import { parseYaml, readShape, schemaDocument, shapes, type AnyShape } from '../catalog/index.js';
import type { Failure, Json } from '../model/index.js';
import { nearest } from '../util/text.js';
import { settingKey, settingKeys, settingNames } from './keys.js';
import { nodeAt, valueTroubles } from './values.js';

export interface ConfigFile {
  /** In file form, by dotted key. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Where each stands. */
  readonly places: ReadonlyMap<string, { readonly line: number; readonly column: number }>;
  readonly failures: readonly Failure[];
}

/** The whole file as one shape: keys before the last dot are groups. */
export const configShape: AnyShape = groupShape('');

function groupShape(prefix: string): AnyShape {
  const fields: Record<string, AnyShape> = {};
  for (const setting of settingKeys) {
    if (!setting.key.startsWith(prefix)) continue;
    const rest = setting.key.slice(prefix.length);
    const dot = rest.indexOf('.');
    const name = dot < 0 ? rest : rest.slice(0, dot);
    fields[name] ??= dot < 0 ? setting.shape : groupShape(`${prefix}${name}.`);
  }
  return shapes.record<Record<string, unknown>>(fields, { empty: true, hint: (key) => hintFor(prefix, key) });
}

/** Hints beyond the nearest key of this group: dotted names written flat, and keys of another group. */
function hintFor(prefix: string, key: string): string | null {
  const full = settingNames.find((name) => name === key);
  if (full !== undefined)
    return `Write it nested: ${full.split('.').join(': {')}: …${'}'.repeat(full.split('.').length - 1)}.`;
  const here = nearest(
    key,
    settingNames.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length).split('.')[0] ?? ''),
  );
  if (here !== null) return null;
  const elsewhere = settingNames.find((name) => name.split('.').at(-1) === key) ?? nearest(prefix + key, settingNames);
  return elsewhere === undefined || elsewhere === null ? null : `Did you mean "${elsewhere}"?`;
}

export function parseConfig(bytes: string | Uint8Array, file: string): ConfigFile {
  const parsed = parseYaml(bytes, file, 'invalid-config');
  if (!parsed.ok) return { values: new Map(), places: new Map(), failures: parsed.failures };
  const { source } = parsed;
  const { value, failures } = readShape<Record<string, unknown>>(configShape, source.root, source);
  const values = new Map<string, unknown>();
  const places = new Map<string, { readonly line: number; readonly column: number }>();
  const more: Failure[] = [];
  const offsetOf = (path: readonly (string | number)[]): number =>
    nodeAt(source.root, source.document, path)?.range?.[0] ?? 0;
  const walk = (group: Readonly<Record<string, unknown>>, path: readonly string[]): void => {
    for (const [name, inner] of Object.entries(group)) {
      const here = [...path, name];
      const setting = settingKey(here.join('.'));
      // What is no setting is a group, and a group was read as a mapping.
      if (setting === null) walk(inner as Readonly<Record<string, unknown>>, here);
      else {
        values.set(setting.key, inner);
        places.set(setting.key, source.at(offsetOf(here)));
        for (const trouble of valueTroubles(setting, inner))
          more.push(source.fail(offsetOf([...here, ...trouble.path]), trouble.message, trouble.hint));
      }
    }
  };
  if (failures.length === 0 && value !== undefined) walk(value, []);
  return { values, places, failures: [...failures, ...more] };
}

/** JSON Schema (2020-12) of config.yaml, for editors. */
export const configSchema = (): { readonly [key: string]: Json } => schemaDocument('coherence settings', configShape);

/**
 * A layer's key: everything that can change the layer, in one canonical encoding (every field length-prefixed, so that no two
 * lists of fields give the same bytes). Golden vectors in test/places/docker/keys.test.ts: a change here is a new SCHEMA.
 */
import { hashFields } from '../../util/hash.js';
import { SCHEMA } from './names.js';

export interface LayerRecipe {
  /** Image id of what the layer is built on, never a name: names move. */
  readonly parent: string;
  readonly command: string;
  readonly shell: readonly string[];
  readonly user: string;
  readonly workdir: string;
  /** All variables the command sees but the secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Manifest of the declared inputs: path, mode, content. */
  readonly inputs: readonly (string | null)[];
  /** `os/architecture/variant`. */
  readonly platform: string;
  /** What is mounted where, besides the workspace's place. */
  readonly mounts: readonly string[];
  readonly network: string;
}

/** 64 hex digits. */
export function layerKey(recipe: LayerRecipe): string {
  const list = (name: string, items: readonly (string | null)[]): (string | null)[] => [
    name,
    String(items.length),
    ...items,
  ];
  const variables = Object.entries(recipe.env).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return hashFields([
    'coherence.layer',
    SCHEMA,
    'parent',
    recipe.parent,
    'command',
    recipe.command,
    ...list('shell', recipe.shell),
    'user',
    recipe.user,
    'workdir',
    recipe.workdir,
    ...list('env', variables.flat()),
    ...list('inputs', recipe.inputs),
    'platform',
    recipe.platform,
    ...list('mounts', recipe.mounts),
    'network',
    recipe.network,
  ]);
}

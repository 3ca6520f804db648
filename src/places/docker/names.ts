/**
 * Names on the daemon: labels, repositories, tags. Two kinds of images are ours: layers (`coherence-layer:<key>`, kept) and
 * what belongs to one run (`coherence-eph/<run>:…`, `coherence-lease/<run>:…`, dropped at its end). Names made from keys
 * are the full hex digest; people's words only ever stand in labels.
 */
export const SCHEMA = '1';
export const LAYER_REPOSITORY = 'coherence-layer';

export const LABEL = {
  /** check, setup, probe or reclaim on a container; layer on an image. Containers made from a layer by hand inherit `layer`. */
  kind: 'coherence.kind',
  run: 'coherence.run',
  /** The owning process: see owner.ts. */
  process: 'coherence.process',
  /** Who may evict a layer: see owner.ts. */
  owner: 'coherence.owner',
  schema: 'coherence.schema',
  key: 'coherence.key',
  parent: 'coherence.parent',
  /** Environment and set-up step, for people. */
  name: 'coherence.name',
} as const;

export const CONTAINER_KINDS = ['check', 'setup', 'probe', 'reclaim'] as const;
export type ContainerKind = (typeof CONTAINER_KINDS)[number];

export const isContainerKind = (text: string | undefined): boolean => CONTAINER_KINDS.some((kind) => kind === text);

export const layerReference = (key: string): string => `${LAYER_REPOSITORY}:${key}`;
/** Written into the image itself, where an image that somebody builds *from* a layer does not inherit it. */
export const layerComment = (key: string): string => `coherence layer ${key}`;

export interface Reference {
  readonly repository: string;
  readonly tag: string;
}

/** Splits at the last `:` after the last `/`, since registries have ports. Null without a tag. */
export function parseReference(reference: string): Reference | null {
  const slash = reference.lastIndexOf('/');
  const colon = reference.lastIndexOf(':');
  if (colon <= slash || reference.includes('@')) return null;
  return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}

/** The key of one of our layer tags, or null for every other name. */
export function layerKeyOf(reference: string): string | null {
  const parsed = parseReference(reference);
  return parsed !== null && parsed.repository === LAYER_REPOSITORY && /^[0-9a-f]{64}$/.test(parsed.tag)
    ? parsed.tag
    : null;
}

export type RunTagKind = 'eph' | 'lease';

/** `coherence-lease/<run>:<sequence>.<process>`: the tag says whose it is, as a tag has no labels. */
export const runTag = (kind: RunTagKind, run: string, sequence: number, process: string): Reference => ({
  repository: `coherence-${kind}/${run}`,
  tag: `${sequence}.${process}`,
});

export interface RunTag {
  readonly kind: RunTagKind;
  readonly run: string;
  readonly process: string;
}

/** Exactly our run-scoped names: `coherence-eph-backup/x:1` and `x/coherence-eph/a:1` are somebody else's. */
export function runTagOf(reference: string): RunTag | null {
  const parsed = parseReference(reference);
  if (parsed === null) return null;
  const repository = /^coherence-(eph|lease)\/([0-9a-z]{1,64})$/.exec(parsed.repository);
  const tag = /^[0-9]+\.([0-9a-z.]+)$/.exec(parsed.tag);
  if (repository === null || tag === null) return null;
  return { kind: repository[1] === 'eph' ? 'eph' : 'lease', run: repository[2] ?? '', process: tag[1] ?? '' };
}

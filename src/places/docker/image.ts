/** Base images: a reference becomes an id once, by the environment's pull policy; from then on only the id is used. */
import type { PullPolicy } from '../../model/index.js';
import type { Api, ImageInfo } from './api.js';
import { messageOf } from './transport.js';

export type Resolved =
  | { readonly ok: true; readonly image: ImageInfo }
  | { readonly ok: false; readonly message: string };

const PULL_MS = 30 * 60_000;

/** `name` → `name:latest`, since the daemon would pull every tag of a bare name. */
const withTag = (reference: string): string =>
  /[@:]/.test(reference.slice(reference.lastIndexOf('/') + 1)) ? reference : `${reference}:latest`;

export async function resolveImage(api: Api, reference: string, pull: PullPolicy): Promise<Resolved> {
  try {
    const present = pull === 'always' ? null : await api.inspectImage(reference);
    if (present !== null) return { ok: true, image: present };
    if (pull === 'never') return { ok: false, message: `the daemon has no image ${reference} (pull: never)` };
    await api.pull(withTag(reference), PULL_MS);
    const pulled = await api.inspectImage(reference);
    return pulled === null
      ? { ok: false, message: `the daemon has no image ${reference} after pulling it` }
      : { ok: true, image: pulled };
  } catch (error) {
    return { ok: false, message: `cannot resolve image ${reference}: ${messageOf(error)}` };
  }
}

/** The image's own variables; a later entry of a name wins, as in the container. */
export const variablesOf = (image: ImageInfo): Record<string, string> =>
  Object.fromEntries(
    image.env
      .filter((entry) => entry.includes('='))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );

/** Docker stops at about 125 layers; found out when planning, not when the last commit fails. */
const DEPTH_LIMIT = 120;

export const tooDeep = (image: ImageInfo, steps: number): string | null =>
  image.depth + steps > DEPTH_LIMIT
    ? `the image has ${image.depth} layers and set-up would add ${steps}: Docker allows about 125; join set-up commands into fewer entries`
    : null;

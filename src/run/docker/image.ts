/** Base images: a reference becomes an id once, by the environment's pull policy; from then on only the id is used. */
import type { PullPolicy } from '../../model/index.js';
import type { Api, ImageInfo } from './api.js';
import { messageOf } from './transport.js';

export type Resolved = { readonly ok: true; readonly image: ImageInfo } | { readonly ok: false; readonly message: string };

const PULL_MS = 30 * 60_000;

/** `name` → `name:latest`, since the daemon would pull every tag of a bare name. */
const withTag = (reference: string): string => (/[@:]/.test(reference.slice(reference.lastIndexOf('/') + 1)) ? reference : `${reference}:latest`);

export async function resolveImage(api: Api, reference: string, pull: PullPolicy): Promise<Resolved> {
  try {
    const present = pull === 'always' ? null : await api.inspectImage(reference);
    if (present !== null) return { ok: true, image: present };
    if (pull === 'never') return { ok: false, message: `the daemon has no image ${reference} (pull: never)` };
    await api.pull(withTag(reference), PULL_MS);
    const pulled = await api.inspectImage(reference);
    return pulled === null ? { ok: false, message: `the daemon has no image ${reference} after pulling it` } : { ok: true, image: pulled };
  } catch (error) {
    return { ok: false, message: `cannot resolve image ${reference}: ${messageOf(error)}` };
  }
}

export const pathOf = (image: ImageInfo): string =>
  image.env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Docker stops at about 125 layers; found out when planning, not when the last commit fails. */
const DEPTH_LIMIT = 120;

export const tooDeep = (image: ImageInfo, steps: number): string | null =>
  image.depth + steps > DEPTH_LIMIT ? `the image has ${image.depth} layers and set-up would add ${steps}: Docker allows about 125; join set-up commands into fewer entries` : null;

/** Where git's HEAD stands, read from its files: asking the program would cost more than all the rest of an unchanged sync. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findUp } from '../util/files.js';

export type GitHead =
  | { readonly kind: 'branch'; readonly name: string; readonly commit: string | null }
  | { readonly kind: 'detached'; readonly commit: string }
  | { readonly kind: 'no-git' };

const text = async (path: string): Promise<string | null> =>
  readFile(path, 'utf8').then(
    (read) => read.trim(),
    () => null,
  );

export async function gitHead(root: string): Promise<GitHead> {
  const top = await findUp(root, '.git');
  if (top === null) return { kind: 'no-git' };
  const pointer = /^gitdir: (.+)$/.exec((await text(join(top, '.git'))) ?? '')?.[1];
  const folder = pointer === undefined ? join(top, '.git') : resolve(top, pointer);
  const head = await text(join(folder, 'HEAD'));
  if (head === null) return { kind: 'no-git' };
  const name = /^ref: refs\/heads\/(.+)$/.exec(head)?.[1];
  if (name === undefined) return { kind: 'detached', commit: head };
  const shared = await text(join(folder, 'commondir'));
  return { kind: 'branch', name, commit: await refCommit(shared === null ? folder : resolve(folder, shared), `refs/heads/${name}`) };
}

/** The commit of a ref, loose or packed; null before the first commit (or where refs are kept another way). */
async function refCommit(common: string, ref: string): Promise<string | null> {
  const loose = await text(join(common, ref));
  if (loose !== null) return /^[0-9a-f]{40,64}$/.test(loose) ? loose : null;
  const packed = (await text(join(common, 'packed-refs'))) ?? '';
  return (
    packed
      .split('\n')
      .find((line) => line.endsWith(` ${ref}`))
      ?.split(' ')[0] ?? null
  );
}

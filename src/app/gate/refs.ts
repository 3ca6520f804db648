/** git's pre-push lines, and what each push is compared with. */
import { failure, success, type Result } from '../../model/index.js';
import { mergeBase, resolveCommit } from '../../sources/index.js';
import { gitLine } from '../../util/git.js';

export interface PushedRef {
  readonly localRef: string;
  readonly localOid: string;
  readonly remoteRef: string;
  readonly remoteOid: string;
}

const OID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
export const isZero = (oid: string): boolean => /^0+$/.test(oid);

/** `<local ref> <local oid> <remote ref> <remote oid>` a line (githooks(5)). */
export function parsePushLines(text: string): Result<readonly PushedRef[]> {
  const refs: PushedRef[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [localRef, localOid, remoteRef, remoteOid, ...rest] = line.trim().split(' ');
    if (
      localRef === undefined ||
      localOid === undefined ||
      remoteRef === undefined ||
      remoteOid === undefined ||
      rest.length > 0 ||
      !OID.test(localOid) ||
      !OID.test(remoteOid)
    ) {
      return failure({
        kind: 'usage',
        message: `Line ${i + 1} on standard input is not a pre-push line.`,
        hint: 'git writes: <local ref> <local oid> <remote ref> <remote oid>.',
      });
    }
    refs.push({ localRef, localOid, remoteRef, remoteOid });
  }
  return success(refs);
}

export interface Push {
  readonly tip: string;
  /** What it is compared with; null: nothing came before. */
  readonly base: string | null;
  readonly refs: readonly string[];
}

/** Each pushed tip once; deleted refs fall away. Tags are followed to their commit; a ref to something else is left out. */
export async function pushesOf(
  root: string,
  refs: readonly PushedRef[],
  remote: string | undefined,
): Promise<readonly Push[]> {
  const byTip = new Map<string, { base: string | null; refs: string[] }>();
  for (const ref of refs) {
    if (isZero(ref.localOid)) continue;
    const tip = await resolveCommit(root, ref.localOid);
    if (tip === null) continue;
    const known = byTip.get(tip);
    if (known !== undefined) known.refs.push(ref.remoteRef);
    else byTip.set(tip, { base: await baseOf(root, tip, ref, remote), refs: [ref.remoteRef] });
  }
  return [...byTip].map(([tip, rest]) => ({ tip, ...rest }));
}

/** The remote's old tip where we have it (its merge base after a force push); for a new branch the remote's default branch; else the root. */
async function baseOf(root: string, tip: string, ref: PushedRef, remote: string | undefined): Promise<string | null> {
  if (!isZero(ref.remoteOid)) {
    const old = await resolveCommit(root, ref.remoteOid);
    if (old !== null) return (await mergeBase(root, old, tip)) ?? old;
  }
  const name = remote ?? 'origin';
  for (const candidate of [`refs/remotes/${name}/HEAD`, `refs/remotes/${name}/main`, `refs/remotes/${name}/master`]) {
    const other = await resolveCommit(root, candidate);
    if (other === null) continue;
    const base = await mergeBase(root, other, tip);
    if (base !== null) return base;
  }
  const first = await gitLine(root, ['rev-list', '--max-parents=0', tip]);
  const oldest = first?.split('\n').at(-1) ?? null;
  return oldest === tip ? null : oldest;
}

/** git's pre-push lines, and what each push is compared with. */
import { failure, success, type Result } from '../../model/index.js';
import { kindOfObject, nameCommit, rootCommit, sharedCommit, type Patience } from '../../sources/index.js';

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

/**
 * Each pushed tip once; deleted refs fall away. Tags are followed to their commit; a ref to something else is left out.
 * `could-not-verify` where git gives no answer.
 */
export async function pushesOf(
  root: string,
  refs: readonly PushedRef[],
  remote: string | undefined,
  patience: Patience,
): Promise<Result<readonly Push[]>> {
  const byTip = new Map<string, { base: string | null; refs: string[] }>();
  for (const ref of refs) {
    if (isZero(ref.localOid)) continue;
    const tip = await nameCommit(root, ref.localOid, patience);
    if (!tip.ok) return tip;
    if (tip.value === null) {
      // A tag of a tree or a blob holds no project. An object that git cannot read is another matter.
      const kind = await kindOfObject(root, ref.localOid, patience);
      if (!kind.ok) return kind;
      continue;
    }
    const known = byTip.get(tip.value);
    if (known !== undefined) known.refs.push(ref.remoteRef);
    else {
      const base = await baseOf(root, tip.value, ref, remote, patience);
      if (!base.ok) return base;
      byTip.set(tip.value, { base: base.value, refs: [ref.remoteRef] });
    }
  }
  return success([...byTip].map(([tip, rest]) => ({ tip, ...rest })));
}

/**
 * What the remote has now, whatever its place in history: after a forced push too the question is what that branch loses.
 * For a new branch: where it left the remote's default branch; else the first commit.
 */
async function baseOf(
  root: string,
  tip: string,
  ref: PushedRef,
  remote: string | undefined,
  patience: Patience,
): Promise<Result<string | null>> {
  if (!isZero(ref.remoteOid)) {
    const old = await nameCommit(root, ref.remoteOid, patience);
    if (!old.ok || old.value !== null) return old;
    return failure({
      kind: 'could-not-verify',
      message: `${ref.remoteRef} of the remote is at ${ref.remoteOid.slice(0, 12)}, which this clone does not have, so nothing can tell what the push makes worse.`,
      hint: `Run \`git fetch ${remote ?? 'origin'}\` first.`,
    });
  }
  const name = remote ?? 'origin';
  for (const candidate of [`refs/remotes/${name}/HEAD`, `refs/remotes/${name}/main`, `refs/remotes/${name}/master`]) {
    const other = await nameCommit(root, candidate, patience);
    if (!other.ok) return other;
    if (other.value === null) continue;
    const base = await sharedCommit(root, other.value, tip, patience);
    if (!base.ok || base.value !== null) return base;
  }
  const first = await rootCommit(root, tip, patience);
  return first.ok && first.value === tip ? success(null) : first;
}

/**
 * Questions whose refusal must not read as "no". Whoever decides on what git said (the gate) asks these: a checkout of another
 * owner, a broken configuration, a git that hangs or is missing all answer "failed", with git's own words, and never "nothing".
 */
import { failure, success, type Result } from '../model/index.js';
import { gitWords, type GitOptions } from '../util/git.js';
import { askGit } from './ask-git.js';

/** How long to wait, and whether anybody still does. */
export type Patience = Pick<GitOptions, 'timeoutMs' | 'signal'>;

/** The first line of the answer; null where git answered "no" (its exit code 1 and not a word); else `could-not-verify`. */
async function ask(root: string, args: readonly string[], patience: Patience): Promise<Result<string | null>> {
  const answer = await askGit(root, args, patience);
  if (answer.ok) return success(answer.stdout.split('\n', 1)[0] || null);
  if (answer.end.code === 1 && answer.stderr.trim() === '') return success(null);
  return failure({
    kind: 'could-not-verify',
    message: `git does not answer here: ${gitWords(answer)}.`,
    hint: `Asked: git ${args[0] ?? ''}. Try \`git status\` in ${root}.`,
  });
}

/** Whether git works here at all; resolves to the top of the repository. */
export async function askRepository(root: string, patience: Patience): Promise<Result<string>> {
  const top = await ask(root, ['rev-parse', '--show-toplevel'], patience);
  if (!top.ok) return top;
  if (top.value !== null) return success(top.value);
  return failure({ kind: 'could-not-verify', message: `${root} is in no working tree of a git repository.` });
}

/** The commit that a ref or id leads to; null where it is not here or leads to no commit. */
export const nameCommit = async (root: string, ref: string, patience: Patience): Promise<Result<string | null>> =>
  ask(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`], patience);

/** `commit`, `tree`, `blob` or `tag`: what an object that must be here is. */
export async function kindOfObject(root: string, id: string, patience: Patience): Promise<Result<string>> {
  const answer = await askGit(root, ['cat-file', '-t', id], patience);
  if (answer.ok) return success(answer.stdout.trim());
  return failure({ kind: 'could-not-verify', message: `git cannot read ${id}: ${gitWords(answer)}.` });
}

/** The best common ancestor of two commits that are here; null when they share none. */
export const sharedCommit = async (
  root: string,
  left: string,
  right: string,
  patience: Patience,
): Promise<Result<string | null>> => ask(root, ['merge-base', left, right], patience);

/** The first commit of a history, the oldest where several histories were joined. */
export async function rootCommit(root: string, tip: string, patience: Patience): Promise<Result<string | null>> {
  const answer = await askGit(root, ['rev-list', '--max-parents=0', tip], patience);
  if (answer.ok) return success(answer.stdout.trim().split('\n').at(-1) || null);
  return failure({ kind: 'could-not-verify', message: `git cannot list the history of ${tip}: ${gitWords(answer)}.` });
}

/** Whether a commit has this path (relative to the root). */
export async function isInCommit(
  root: string,
  commit: string,
  path: string,
  patience: Patience,
): Promise<Result<boolean>> {
  const listed = await ask(root, ['ls-tree', commit, '--', path], patience);
  return listed.ok ? success(listed.value !== null) : listed;
}

/** A commit of HEAD that no branch of the remote is known to have; null when all of them are there. */
export const unsentCommit = async (root: string, remote: string, patience: Patience): Promise<Result<string | null>> =>
  ask(root, ['rev-list', '-n', '1', 'HEAD', '--not', `--remotes=${remote}`], patience);

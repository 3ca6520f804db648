/**
 * git for reading only: besides what util/git.ts turns off, no transport may start, so that a partial clone whose promisor
 * remote is a trap (`ext::`, an upload-pack of its own) fetches nothing when an object is missing.
 */
import { git, gitBytes, gitTogether, type GitAnswer, type GitBytes, type GitOptions } from '../util/git.js';
import type { Captured } from '../util/process.js';

const offline = (options: GitOptions): GitOptions => ({
  ...options,
  env: {
    ...(options.env ?? process.env),
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_NO_LAZY_FETCH: '1',
    GIT_LITERAL_PATHSPECS: '1',
  },
});

export const askGit = async (root: string, args: readonly string[], options: GitOptions = {}): Promise<Captured> =>
  git(root, args, offline(options));

export const askGitBytes = async (root: string, args: readonly string[], options: GitOptions = {}): Promise<GitBytes> =>
  gitBytes(root, args, offline(options));

/** Several questions that do not depend on each other, in one start of a program; `silent` is answered by its exit code, last. */
export const askGitTogether = async (
  root: string,
  questions: readonly (readonly string[])[],
  silent: readonly string[],
): Promise<readonly GitAnswer[]> => gitTogether(root, questions, silent, offline({}));

/** First line of the answer, or null when git failed or said nothing. */
export async function askGitLine(root: string, args: readonly string[]): Promise<string | null> {
  const answer = await askGit(root, args);
  const line = answer.stdout.split('\n', 1)[0] ?? '';
  return answer.ok && line !== '' ? line : null;
}

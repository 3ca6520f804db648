/** What a run on the checkout itself rests on, for the question whether an earlier attempt's verdicts still hold. */
import { extname, join } from 'node:path';
import { sourceIdentity } from '../sources/index.js';
import { findUp } from '../util/files.js';
import { git } from '../util/git.js';
import { hashFields, sha256File } from '../util/hash.js';

/** Untracked files of these kinds can change what a test does; others (logs, reports) are what tests leave behind. */
const SOURCE = new Set(['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.py', '.rs', '.go', '.java', '.sh', '.yaml', '.yml', '.json', '.toml', '.lock', '.mod', '.sum', '.cfg', '.ini']);

interface Entry {
  readonly path: string;
  readonly untracked: boolean;
}

/** `git status --porcelain=v2 -z`: the commit, and every path that differs from it. */
function readStatus(text: string): { readonly head: string; readonly entries: readonly Entry[] } {
  const fields = text.split('\0');
  const entries: Entry[] = [];
  let head = '';
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at] ?? '';
    if (field.startsWith('# branch.oid ')) head = field.slice(13);
    else if (field.startsWith('? ')) entries.push({ path: field.slice(2), untracked: true });
    else if (field.startsWith('1 ')) entries.push({ path: field.split(' ').slice(8).join(' '), untracked: false });
    else if (field.startsWith('2 ')) {
      entries.push({ path: field.split(' ').slice(9).join(' '), untracked: false }, { path: fields[at + 1] ?? '', untracked: false });
      at += 1;
    } else if (field.startsWith('u ')) entries.push({ path: field.split(' ').slice(10).join(' '), untracked: false });
  }
  return { head, entries };
}

/** A hash of the commit, of what differs from it in tracked files, and of untracked sources. Outside git: of the whole tree. */
export async function checkoutBasis(root: string): Promise<string> {
  // One question: starting a program is what costs time here. Paths are relative to the top of the repository.
  const top = await findUp(root, '.git');
  const status = top === null ? null : await git(root, ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=all', '--no-renames', '--', '.']);
  if (top === null || status?.ok !== true) return (await sourceIdentity(root)).tree;
  const { head, entries } = readStatus(status.stdout);
  const counted = entries.filter((entry) => !entry.untracked || (SOURCE.has(extname(entry.path)) && !entry.path.includes('.coherence/runs/'))).map((entry) => entry.path).toSorted();
  const hashes = await Promise.all(counted.map(async (path) => sha256File(join(top, path)).catch(() => 'absent')));
  return hashFields(['checkout', head, ...counted.flatMap((path, index) => [path, hashes[index] ?? ''])]);
}

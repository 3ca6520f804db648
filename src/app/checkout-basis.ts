/** What a run on the checkout itself rests on, for the question whether an earlier attempt's verdicts still hold. */
import { extname, join } from 'node:path';
import { sourceIdentity } from '../sources/index.js';
import { git, gitBytes } from '../util/git.js';
import { hashFields, sha256, sha256File } from '../util/hash.js';

/** Untracked files of these kinds can change what a test does; others (logs, reports) are what tests leave behind. */
const SOURCE = new Set(['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.py', '.rs', '.go', '.java', '.sh', '.yaml', '.yml', '.json', '.toml', '.lock', '.mod', '.sum', '.cfg', '.ini']);

/** A hash of the commit, of what differs from it in tracked files, and of untracked sources. Outside git: of the whole tree. */
export async function checkoutBasis(root: string): Promise<string> {
  const [head, diff, untracked] = await Promise.all([
    git(root, ['rev-parse', 'HEAD']),
    gitBytes(root, ['diff', '--no-ext-diff', '--no-textconv', '--binary', 'HEAD', '--', '.']),
    git(root, ['ls-files', '--others', '--exclude-standard', '-z', '--', '.']),
  ]);
  if (!head.ok || !diff.ok || !untracked.ok) return (await sourceIdentity(root)).tree;
  const files = untracked.stdout.split('\0').filter((path) => path !== '' && SOURCE.has(extname(path)) && !path.startsWith('.coherence/runs/')).sort();
  const hashes = await Promise.all(files.map(async (path) => sha256File(join(root, path)).catch(() => '')));
  return hashFields(['checkout', head.stdout.trim(), sha256(diff.stdout), ...files.flatMap((path, index) => [path, hashes[index] ?? ''])]);
}

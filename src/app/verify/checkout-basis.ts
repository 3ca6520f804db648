/** What a run on the checkout itself rests on, for the question whether an earlier attempt's verdicts still hold. */
import { extname } from 'node:path';
import type { Source } from '../../sources/index.js';
import { hashFields } from '../../util/hash.js';

/** Untracked files of these kinds can change what a test does; others (logs, reports) are what tests leave behind. */
const SOURCE = new Set([
  '.ts',
  '.tsx',
  '.mts',
  '.cts',
  '.js',
  '.jsx',
  '.mjs',
  '.cjs',
  '.py',
  '.rs',
  '.go',
  '.java',
  '.sh',
  '.yaml',
  '.yml',
  '.json',
  '.toml',
  '.lock',
  '.mod',
  '.sum',
  '.cfg',
  '.ini',
]);

/** A hash of the commit, of tracked files, and of untracked sources. Without a commit: of the whole tree. */
export async function checkoutBasis(source: Source): Promise<string> {
  const { commit, tree } = await source.identity();
  // Without a commit git tells sources from leftovers no better than no git does.
  if (commit === null) return tree;
  const counted = [...(await source.contents())].filter(
    ([path]) => source.isTracked(path) || SOURCE.has(extname(path)),
  );
  return hashFields(['checkout', commit, ...counted.flat()]);
}

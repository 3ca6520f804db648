/**
 * The identity of a whole project (trust.md T4, level 1): every file of the enclosing repository, ignored ones and installed
 * packages too, and what leads out of it. Two equal digests mean: the same source in the words of the one promise.
 */
import { dirname, join } from 'node:path';
import { hashFields } from '../../util/hash.js';
import { OutsidePaths } from './outside.js';
import type { WholeMemo } from './memo.js';
import { outputRules } from './outputs.js';
import { walkLargeFolder } from './walk.js';

export interface WholeProject {
  readonly digest: string;
  /** Path → what stands for it: relative to the repository's top inside it, absolute outside. */
  readonly entries: ReadonlyMap<string, string>;
  /** Why the digest does not tell all that tests may rest on; null: it does. */
  readonly unknown: string | null;
}

export interface WholeOptions {
  readonly memo: WholeMemo;
  /** `verify.outputs`. */
  readonly outputs: readonly string[];
  /** Whether git tracks the path (relative to the project) or something below it. */
  readonly tracked: (path: string) => boolean;
}

const MAX_INSIDE = 1_000_000;
const MAX_OUTSIDE = 100_000;

/**
 * @param top absolute: the top of the repository, or the project's root where there is none
 * @param prefix where the project lies below it: '' or `folder/`
 */
export async function readWhole(
  top: string,
  prefix: string,
  { memo, outputs, tracked }: WholeOptions,
): Promise<WholeProject> {
  const rules = outputRules(prefix, outputs, (path) => path.startsWith(prefix) && tracked(path.slice(prefix.length)));
  const inside = await walkLargeFolder(top, { rules, memo, statOnly: false, limit: MAX_INSIDE });
  const outside = new OutsidePaths(top, { rules, memo, statOnly: true, limit: MAX_OUTSIDE });
  outside.links(top, inside);
  for (const folder of inside.sitePackages) outside.editable(join(top, folder));
  for (const [file, paths] of inside.climbing)
    for (const path of paths) {
      outside.climbing(join(top, dirname(file)), path, false);
      outside.climbing(join(top, prefix), path, true);
    }
  outside.above();
  const entries = new Map([...inside.entries, ...outside.entries]);
  const fields: string[] = [prefix];
  for (const path of [...entries.keys()].sort()) fields.push(path, entries.get(path) ?? '');
  return {
    digest: hashFields(fields),
    entries,
    unknown: inside.cut
      ? `more than ${MAX_INSIDE} files lie in the project`
      : outside.tooMuch.length > 0
        ? `a link or path leads to ${outside.tooMuch[0] ?? ''}, which holds too much or the project itself`
        : null,
  };
}

/** Where git takes hooks from, and what follows from where that is. */
import { realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { failure, success, type Result } from '../../model/index.js';
import { git, gitConfigValue, gitLine } from '../../util/git.js';

export interface HooksFolder {
  /** Absolute. */
  readonly folder: string;
  /** Top of the working tree. */
  readonly top: string;
  /** The project's folder below it, '' for the top itself. */
  readonly project: string;
  /** `core.hooksPath` as configured, where it is relative: each working tree then has hooks of its own, as files of the tree. */
  readonly perTree: string | null;
}

/** `core.hooksPath` as git itself reads it (relative to the top of each working tree), else the common folder's `hooks`. */
export async function hooksFolder(root: string, line: string): Promise<Result<HooksFolder>> {
  const common = await gitLine(root, ['rev-parse', '--path-format=absolute', '--git-common-dir']);
  const top = await gitLine(root, ['rev-parse', '--show-toplevel']);
  if (common === null || top === null)
    return failure({ kind: 'usage', message: `${root} is not in a git repository.`, hint: 'Run `git init` first.' });
  const project = relative(await realpath(top), await realpath(root));
  const configured = (await gitConfigValue(root, 'core.hooksPath')) ?? '';
  if (configured === '') return success({ folder: join(common, 'hooks'), top, project, perTree: null });
  const folder = isAbsolute(configured) ? configured : resolve(top, configured);
  const real = await realpath(folder).catch(() => folder);
  const inside = (base: string): boolean => !relative(base, real).startsWith('..') && !isAbsolute(relative(base, real));
  if (inside(await realpath(top)) || inside(await realpath(common)))
    return success({ folder, top, project, perTree: isAbsolute(configured) ? null : configured });
  return failure({
    kind: 'usage',
    message: `core.hooksPath is ${configured}, outside this repository, so other repositories use it too.`,
    hint: `Add this line to ${join(configured, 'pre-push')} yourself: ${line}`,
  });
}

/** What somebody must know of a hook that is a file of one working tree; null where there is nothing to say. */
export async function warningFor({ top, perTree }: HooksFolder, path: string): Promise<string | null> {
  if (perTree === null) return null;
  const tracked = await git(top, ['ls-files', '--error-unmatch', '--', relative(top, path)]);
  if (tracked.ok) return null;
  return `core.hooksPath is ${perTree}, a folder of the working tree, so this hook is a file of this working tree alone: linked worktrees and other clones push unjudged until ${relative(top, path)} is committed.`;
}

/**
 * `hook install|uninstall`: the pre-push gate where git looks for it. An existing hook is kept and called; frameworks that own
 * the hooks (husky, lefthook, pre-commit) are not fought: the lines to add are printed instead.
 */
import { chmod, lstat, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { failure, success, type Failure, type Result } from '../model/index.js';
import { exists, writeAtomically } from '../util/files.js';
import { gitConfigValue, gitLine } from '../util/git.js';

const MARK = '# coherence pre-push gate';
/** What was there before we came; called first, with git's arguments and standard input. */
const KEPT = 'pre-push.before-coherence';

const SCRIPT = `#!/bin/sh
${MARK}: remove with \`coherence hook uninstall\`; skip once with \`git push --no-verify\`.
lines=$(cat)
before="$(dirname "$0")/${KEPT}"
if [ -x "$before" ]; then
  printf '%s\\n' "$lines" | "$before" "$@" || exit $?
fi
if ! command -v coherence >/dev/null 2>&1 && [ -x ./node_modules/.bin/coherence ]; then
  PATH="$PWD/node_modules/.bin:$PATH"
fi
if ! command -v coherence >/dev/null 2>&1; then
  echo "coherence is not on PATH, so this push was not verified; install it, or push with --no-verify." >&2
  exit 2
fi
printf '%s\\n' "$lines" | coherence gate --remote "$1"
`;

const LINES = 'coherence gate --remote "$1"';

export interface Hook {
  /** Absolute path of the hook. */
  readonly path: string;
  readonly changed: boolean;
  readonly kept: boolean;
}

/** The folder that git takes hooks from: `core.hooksPath` as git itself reads it, else the common folder's `hooks`. */
async function hooksFolder(root: string): Promise<Result<string>> {
  const common = await gitLine(root, ['rev-parse', '--path-format=absolute', '--git-common-dir']);
  if (common === null)
    return failure({ kind: 'usage', message: `${root} is not in a git repository.`, hint: 'Run `git init` first.' });
  const configured = (await gitConfigValue(root, 'core.hooksPath')) ?? '';
  if (configured === '') return success(join(common, 'hooks'));
  const folder = isAbsolute(configured) ? configured : resolve(root, configured);
  const top = await realpath(root);
  const real = await realpath(folder).catch(() => folder);
  const inside = (base: string): boolean => !relative(base, real).startsWith('..') && !isAbsolute(relative(base, real));
  if (inside(top) || inside(await realpath(common))) return success(folder);
  return failure({
    kind: 'usage',
    message: `core.hooksPath is ${configured}, outside this repository, so other repositories use it too.`,
    hint: `Add this line to ${join(configured, 'pre-push')} yourself: ${LINES}`,
  });
}

/** A framework that owns the hooks, and what to add to its configuration. */
async function framework(root: string, folder: string): Promise<Failure | null> {
  const here = async (name: string): Promise<boolean> => exists(join(root, name));
  const name = relative(root, folder);
  if (name.startsWith('.husky') || ((await here('.husky')) && !(await here('.git/hooks/pre-push')))) {
    return {
      kind: 'usage',
      message: 'husky owns the hooks of this repository.',
      hint: `Add to .husky/pre-push: ${LINES}`,
    };
  }
  if ((await here('lefthook.yml')) || (await here('lefthook.yaml')) || (await here('.lefthook.yml'))) {
    return {
      kind: 'usage',
      message: 'lefthook owns the hooks of this repository.',
      hint: 'Add to lefthook.yml: pre-push: { commands: { coherence: { run: coherence gate --remote {1}, use_stdin: true } } }',
    };
  }
  if (await here('.pre-commit-config.yaml')) {
    return {
      kind: 'usage',
      message: 'the pre-commit framework owns the hooks of this repository.',
      hint: 'Add a local hook with stages: [pre-push], language: system, entry: coherence gate, pass_filenames: false, always_run: true.',
    };
  }
  return null;
}

const isOurs = async (path: string): Promise<boolean> =>
  readFile(path, 'utf8').then(
    (text) => text.includes(MARK),
    () => false,
  );

/** Idempotent. Failures: no repository, hooks outside it, or a framework that owns them (with the lines to add). */
export async function installHook(root: string): Promise<Result<Hook>> {
  const folder = await hooksFolder(root);
  if (!folder.ok) return folder;
  const owner = await framework(root, folder.value);
  if (owner !== null) return failure(owner);
  const path = join(folder.value, 'pre-push');
  const before = join(folder.value, KEPT);
  await mkdir(folder.value, { recursive: true });
  const there = await lstat(path).catch(() => null);
  if (there !== null && (await isOurs(path))) {
    const changed = (await readFile(path, 'utf8')) !== SCRIPT;
    if (changed) await writeAtomically(path, SCRIPT, 0o755);
    return success({ path, changed, kept: await exists(before) });
  }
  // Renaming keeps bytes, mode and a symlink as they are; uninstall renames back.
  if (there !== null) await rename(path, before);
  await writeFile(path, SCRIPT);
  await chmod(path, 0o755);
  return success({ path, changed: true, kept: there !== null });
}

/** Gives back the bytes that were there; a hook that is not ours is left alone. */
export async function uninstallHook(root: string): Promise<Result<Hook>> {
  const folder = await hooksFolder(root);
  if (!folder.ok) return folder;
  const path = join(folder.value, 'pre-push');
  const before = join(folder.value, KEPT);
  if (!(await isOurs(path))) return success({ path, changed: false, kept: false });
  const kept = await lstat(before).then(
    () => true,
    () => false,
  );
  if (kept) await rename(before, path);
  else await rm(path);
  return success({ path, changed: true, kept });
}

/** Whether the gate is installed, for `doctor`. */
export async function hookInstalled(root: string): Promise<boolean> {
  const folder = await hooksFolder(root);
  if (!folder.ok) return false;
  const path = join(folder.value, 'pre-push');
  return (
    (await isOurs(path)) &&
    (await stat(path).then(
      (found) => (found.mode & 0o111) !== 0,
      () => false,
    ))
  );
}

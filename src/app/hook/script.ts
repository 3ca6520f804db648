/** The text of the pre-push hook, and which projects of the repository one judges. */

export const MARK = '# coherence pre-push gate';
/** What was there before us; called first, with git's arguments and standard input. */
export const KEPT = 'pre-push.before-coherence';

const PROJECT = '# project: ';

export const shellQuoted = (text: string): string =>
  /^[A-Za-z0-9_./-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** @param projects folders relative to the repository's top, '' for the top itself */
export const hookScript = (projects: readonly string[]): string => `#!/bin/sh
${MARK}: remove with \`coherence hook uninstall\`; skip once with \`git push --no-verify\`.
${projects.map((folder) => PROJECT + JSON.stringify(folder)).join('\n')}
lines=$(cat)
feed() { [ -z "$lines" ] || printf '%s\\n' "$lines"; }
before="$(dirname "$0")/${KEPT}"
if [ -x "$before" ]; then
  feed | "$before" "$@" || exit $?
fi
# git calls the hook without a line when everything is up to date.
[ -n "$lines" ] || exit 0
remote=$1
top=$PWD
# judge FOLDER: what is pushed, by the project in that folder of the repository.
judge() {
  if [ ! -f "$top/$1.coherence/project.toml" ]; then
    # Another branch is checked out, which has no such project; then none may be pushed, since nothing here could judge it.
    feed | while read -r _ref oid _rest; do
      case $oid in *[!0]*) ;; *) continue ;; esac
      listed=$(git ls-tree "$oid" -- "$1.coherence/project.toml") && [ -z "$listed" ] || exit 1
    done || {
      echo "coherence: what is pushed holds a project in '\${1:-the top folder}', which is not checked out here, so it was not verified." >&2
      return 2
    }
    return 0
  fi
  (
    cd "$top/$1" || exit 2
    for bin in ./node_modules/.bin "$top/node_modules/.bin"; do
      if ! command -v coherence >/dev/null 2>&1 && [ -x "$bin/coherence" ]; then PATH="$bin:$PATH"; fi
    done
    if ! command -v coherence >/dev/null 2>&1; then
      echo "coherence is not on PATH, so this push was not verified; install it, or push with --no-verify." >&2
      exit 2
    fi
    feed | coherence gate --remote "$remote"
  )
}
code=0
${projects.map((folder) => `judge ${shellQuoted(folder === '' ? '' : `${folder}/`)} || code=$?`).join('\n')}
exit $code
`;

/** The projects of an installed hook. One written before hooks named theirs judges the top. */
export function projectsIn(script: string): readonly string[] {
  const lines = script.split('\n').filter((line) => line.startsWith(PROJECT));
  if (lines.length === 0) return [''];
  return lines.flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line.slice(PROJECT.length));
      return typeof value === 'string' ? [value] : [];
    } catch {
      return []; // somebody edited it: what it says of itself is written anew
    }
  });
}

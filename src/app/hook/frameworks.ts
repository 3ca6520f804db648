/** Frameworks that own the hooks of a repository are not fought: what to add to their configuration is said instead. */
import { basename, dirname, join, relative } from 'node:path';
import type { Failure } from '../../model/index.js';
import { exists } from '../../util/files.js';
import type { HooksFolder } from './folder.js';
import { shellQuoted } from './script.js';

const LEFTHOOK = ['lefthook', '.lefthook', '.config/lefthook'].flatMap((name) =>
  ['yml', 'yaml', 'toml', 'json', 'jsonc'].map((ending) => `${name}.${ending}`),
);

/** The gate's command line; `remote` is how the framework calls git's first argument. */
export const gateLine = (project: string, remote: string | null): string =>
  [
    'coherence gate',
    ...(project === '' ? [] : [`--cwd ${shellQuoted(project)}`]),
    ...(remote === null ? [] : [`--remote ${remote}`]),
  ].join(' ');

/** JSON is YAML, wherever it stands: a plain scalar with `{1}` in a flow mapping is none. */
const lefthookEntry = (project: string): string =>
  `pre-push: { commands: { coherence: { run: ${JSON.stringify(gateLine(project, '{1}'))}, use_stdin: true } } }`;

const preCommitEntry = (project: string): string =>
  `{ repo: local, hooks: [{ id: coherence, name: coherence, entry: ${JSON.stringify(gateLine(project, null))}, language: system, stages: [pre-push], pass_filenames: false, always_run: true }] }`;

/** Where husky keeps the repository's hooks, relative to the top; null where it does not. */
async function huskyFolder({ folder, top, project }: HooksFolder): Promise<string | null> {
  for (let at = folder; at.startsWith(`${top}/`); at = dirname(at))
    if (basename(at) === '.husky') return relative(top, at);
  if (await exists(join(folder, 'pre-push'))) return null;
  for (const place of new Set(['.husky', join(project, '.husky')])) if (await exists(join(top, place))) return place;
  return null;
}

/** The framework that owns the hooks, and what to add to its configuration; null where none does. */
export async function owningFramework(place: HooksFolder): Promise<Failure | null> {
  const { top, project } = place;
  const owned = (name: string, hint: string): Failure => ({
    kind: 'usage',
    message: `${name} owns the hooks of this repository.`,
    hint,
  });
  const husky = await huskyFolder(place);
  if (husky !== null) return owned('husky', `Add to ${husky}/pre-push: ${gateLine(project, '"$1"')}`);
  for (const name of LEFTHOOK)
    if (await exists(join(top, name))) return owned('lefthook', `Add to ${name}: ${lefthookEntry(project)}`);
  if (await exists(join(top, '.pre-commit-config.yaml')))
    return owned(
      'the pre-commit framework',
      `Add to \`repos\` in .pre-commit-config.yaml: ${preCommitEntry(project)} and run: pre-commit install --hook-type pre-push`,
    );
  return null;
}

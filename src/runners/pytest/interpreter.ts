/**
 * Which Python runs a batch: the configured one, the project's own environment, or the one on PATH; never another in silence.
 * One that is missing or broken is one line that says what to do.
 */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch } from '../../model/index.js';
import { exists } from '../../util/files.js';
import type { Availability, Workspace } from '../../run/adapters.js';
import { ancestors, probe } from '../layout.js';

/** Names that an environment in the tree usually has; any other folder counts when it is the only environment beside it. */
const USUAL = ['.venv', 'venv'];

const isThere = async (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
const inside = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('/');

/** Folders directly in `folder` that hold an environment of venv, virtualenv or conda. */
async function environmentsIn(root: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() && !entry.isSymbolicLink()) continue;
    const own = join(root, folder, entry.name);
    if ((await exists(join(own, 'pyvenv.cfg'))) || (await exists(join(own, 'conda-meta')))) found.push(entry.name);
  }
  return found;
}

/**
 * The project's own interpreter as a batch's configuration: `python`, relative to the root ('': it has none), and `broken`,
 * the environment whose interpreter is gone.
 */
export async function environmentOf(root: string, directory: string): Promise<Readonly<Record<string, string>>> {
  for (const folder of ancestors(`${directory}/x`)) {
    for (const name of USUAL) {
      const python = inside(folder, name, 'bin', 'python');
      if (await exists(join(root, python))) return { python };
      // What is left of one: its link leads nowhere, or the interpreter it was made from is gone.
      if ((await isThere(join(root, python))) || (await exists(join(root, folder, name, 'pyvenv.cfg'))))
        return { python: '', broken: inside(folder, name) };
    }
    const others = await environmentsIn(root, folder);
    const python = others.length === 1 ? inside(folder, others[0] ?? '', 'bin', 'python') : '';
    if (python !== '' && (await exists(join(root, python)))) return { python };
  }
  return { python: '' };
}

export type Python = { readonly ok: true; readonly program: string } | { readonly ok: false; readonly detail: string };

/** @param program `backends.python.bin`, for the host alone: it names a place of this machine */
export async function pythonOf(workspace: Workspace, batch: Batch, program: string | null): Promise<Python> {
  if (program !== null && workspace.place === 'host') {
    const path = program.includes('/') ? program : await workspace.find(program);
    return path !== null && (await exists(path))
      ? { ok: true, program: path }
      : { ok: false, detail: `backends.python.bin: there is no program ${program}` };
  }
  const broken = batch.configuration['broken'];
  if (broken !== undefined)
    return {
      ok: false,
      detail: `the interpreter of ${broken} is gone (${broken}/bin/python leads nowhere); make the environment again`,
    };
  const own = batch.configuration['python'] ?? '';
  if (own !== '') return { ok: true, program: `${workspace.root}/${own}` };
  const found = (await workspace.find('python3')) ?? (await workspace.find('python'));
  return found === null ? { ok: false, detail: 'neither python3 nor python is on PATH' } : { ok: true, program: found };
}

/** What keeps an environment of its own outside the tree, by the file that says so; the way into it, for a person. */
const MANAGERS: readonly (readonly [file: string, way: string])[] = [
  ['uv.lock', 'start coherence with `uv run`'],
  ['poetry.lock', 'start coherence with `poetry run`'],
  ['pdm.lock', 'start coherence with `pdm run`'],
  ['Pipfile', 'start coherence with `pipenv run`'],
  ['hatch.toml', 'start coherence with `hatch run`'],
  ['environment.yml', 'activate its conda environment first'],
  ['tox.ini', 'activate an environment that has it (tox keeps its own)'],
  ['noxfile.py', 'activate an environment that has it (nox keeps its own)'],
];

async function wayIn(workspace: Workspace, batch: Batch): Promise<string> {
  for (const folder of ancestors(`${batch.directory}/x`))
    for (const [file, way] of MANAGERS)
      if (await exists(join(workspace.hostRoot, folder, file))) return `${way}, or set backends.python.bin`;
  return "activate the project's environment, or set backends.python.bin";
}

const NO_PYTEST = 3;
const QUESTION = `import sys; from importlib.util import find_spec; sys.exit(${NO_PYTEST} if find_spec("pytest") is None else 0)`;

export async function available(workspace: Workspace, batch: Batch, program: string | null): Promise<Availability> {
  const python = await pythonOf(workspace, batch, program);
  if (!python.ok) return { available: false, what: 'python', detail: python.detail };
  const asked = await probe(workspace, `${batch.id}-probe`, [python.program, '-c', QUESTION], batch.directory);
  // No exit code: the place is in trouble, which the run itself says; it is no word about pytest.
  if (asked.code === 0 || asked.code === null) return { available: true };
  if (asked.code === NO_PYTEST)
    return {
      available: false,
      what: 'pytest',
      detail: `${python.program} has no pytest; ${await wayIn(workspace, batch)}`,
    };
  return {
    available: false,
    what: 'python',
    detail: `${python.program} does not work (exit code ${asked.code}): ${asked.stderr.trim().split('\n').at(-1) ?? ''}`,
  };
}

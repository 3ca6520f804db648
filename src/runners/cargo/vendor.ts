/**
 * Vendored dependencies inside a tree. To cargo the folder that a vendored package lies in is part of what was compiled, so
 * two worktrees would compile all of them anew, and a package that changed under its version is not noticed.
 * A shared target directory therefore keeps copies of vendored folders under the hash of their content, and cargo is
 * told to read them there: equal content is reused, changed content is compiled.
 */
import { cp, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'smol-toml';
import { exists } from '../../util/files.js';
import { hashFields, sha256File } from '../../util/hash.js';
import { asObject, asText } from './json.js';

export interface VendoredSource {
  /** Name of the `[source.NAME]` table. */
  readonly name: string;
  readonly directory: string;
}

/** `[source.*] directory` of all `.cargo/config.toml` from a folder up to the top of its tree, where it lies inside that tree. */
export async function vendoredSources(folder: string, top: string): Promise<readonly VendoredSource[]> {
  const found = new Map<string, VendoredSource>();
  for (let at = folder; at === top || at.startsWith(`${top}/`); at = dirname(at)) {
    for (const file of ['.cargo/config', '.cargo/config.toml']) {
      const text = await readFile(join(at, file), 'utf8').catch(() => null);
      if (text === null) continue;
      let sources: Readonly<Record<string, unknown>> = {};
      try {
        sources = asObject(asObject(parse(text))?.['source']) ?? {};
      } catch {
        // Cargo itself will say what is wrong with the file.
      }
      for (const [name, value] of Object.entries(sources)) {
        const path = asText(asObject(value)?.['directory']);
        if (path !== null && !found.has(name))
          found.set(name, { name, directory: isAbsolute(path) ? path : join(at, path) });
      }
      break;
    }
  }
  return [...found.values()].filter(({ directory }) => directory.startsWith(`${top}/`));
}

/** Content hash of a folder: names and bytes of all its files, links by name only. */
export async function hashFolder(folder: string): Promise<string> {
  const fields: string[] = [];
  const visit = async (path: string, name: string): Promise<void> => {
    const entries = (await readdir(path, { withFileTypes: true })).sort((left, right) =>
      left.name < right.name ? -1 : 1,
    );
    for (const entry of entries) {
      const below = `${name}/${entry.name}`;
      if (entry.isDirectory()) await visit(join(path, entry.name), below);
      else fields.push(below, entry.isFile() ? await sha256File(join(path, entry.name)) : 'link');
    }
  };
  await visit(folder, '');
  return hashFields(fields);
}

/**
 * Arguments for every cargo call that uses the shared directory: `--config source.NAME.directory=…`. The caller holds the
 * directory's lock. A folder that cannot be copied is left to cargo as it is.
 */
export async function vendorArguments(
  folder: string,
  top: string,
  targetDirectory: string,
): Promise<readonly string[]> {
  const args: string[] = [];
  for (const { name, directory } of await vendoredSources(folder, top)) {
    const hash = await hashFolder(directory).catch(() => null);
    if (hash === null) continue;
    const kept = join(targetDirectory, '.coherence-vendor', hash.slice(0, 32));
    if (!(await exists(kept))) {
      const growing = `${kept}.growing`;
      await rm(growing, { recursive: true, force: true });
      await mkdir(dirname(kept), { recursive: true });
      await cp(directory, growing, { recursive: true, verbatimSymlinks: true });
      await rename(growing, kept);
    }
    args.push('--config', `source.${JSON.stringify(name)}.directory=${JSON.stringify(kept)}`);
  }
  return args;
}

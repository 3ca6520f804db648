/**
 * What only the manifest itself says: which workspace a folder belongs to (asked before anything is executed), and
 * which targets have no harness (`cargo metadata` does not tell).
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path/posix';
import { parse } from 'smol-toml';
import { exists } from '../../util/files.js';
import { asList, asObject, asText, texts, type JsonObject } from './json.js';

/** A manifest's content, or null when there is none or it cannot be read. */
export async function readManifest(path: string): Promise<JsonObject | null> {
  try {
    return asObject(parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

const ancestors = (folder: string): string[] => {
  const found: string[] = [];
  for (let at = folder === '.' ? '' : folder; ; at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '') {
    found.push(at);
    if (at === '') return found;
  }
};

export interface FoundPackage {
  /** Folder of the workspace's root manifest, relative to the project's root; '' is the root. */
  readonly workspace: string;
  readonly folder: string;
  readonly name: string;
}

/** The package that a file most probably belongs to, read off the manifests around it; null where there is none. */
export async function packageAround(root: string, file: string): Promise<FoundPackage | null> {
  for (const folder of ancestors(dirname(file))) {
    const manifest = await readManifest(join(root, folder, 'Cargo.toml'));
    // One that cannot be read is still the nearest: cargo will say what is wrong with it.
    if (manifest === null && (await exists(join(root, folder, 'Cargo.toml'))))
      return { workspace: folder, folder, name: '' };
    if (manifest === null) continue;
    const entry = asObject(manifest['package']);
    const name = asText(entry?.['name']) ?? '';
    if (asObject(manifest['workspace']) !== null) return { workspace: folder, folder, name };
    const pointer = asText(entry?.['workspace']);
    if (pointer !== null) return { workspace: normalize(join(folder, pointer)).replace(/^\.$/u, ''), folder, name };
    for (const above of ancestors(folder).slice(1)) {
      const workspace = asObject((await readManifest(join(root, above, 'Cargo.toml')))?.['workspace']);
      if (workspace === null) continue;
      const below = above === '' ? folder : folder.slice(above.length + 1);
      const excluded = texts(workspace['exclude']).some(
        (path) => below === path || below.startsWith(`${path.replace(/\/$/u, '')}/`),
      );
      return { workspace: excluded ? folder : above, folder, name };
    }
    return { workspace: folder, folder, name };
  }
  return null;
}

/** True when the manifest says `harness = false` for the target. */
export function lacksHarness(
  manifest: JsonObject | null,
  target: { readonly name: string; readonly kind: readonly string[] },
  sourceBelowPackage: string | null,
): boolean {
  const section = target.kind.includes('test')
    ? 'test'
    : target.kind.includes('bench')
      ? 'bench'
      : target.kind.includes('bin')
        ? 'bin'
        : target.kind.includes('example')
          ? 'example'
          : 'lib';
  const value = manifest?.[section];
  const entries = section === 'lib' ? [asObject(value)] : asList(value).map(asObject);
  return entries.some((entry) => {
    if (entry?.['harness'] !== false) return false;
    if (section === 'lib') return true;
    const path = asText(entry['path']);
    return (
      asText(entry['name']) === target.name ||
      (path !== null && sourceBelowPackage !== null && normalize(path) === sourceBelowPackage)
    );
  });
}

/** yarn's Plug'n'Play: packages stand in archives, and a loader finds them. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exists } from '../../util/files.js';
import { ancestors } from '../layout.js';

/** The folder whose Plug'n'Play loader serves a folder; null where packages are installed as folders. */
export async function plugAndPlay(root: string, directory: string): Promise<string | null> {
  for (const folder of ancestors(`${directory}/x`)) {
    const file = join(folder, '.pnp.cjs');
    if (await exists(join(root, file))) return file;
  }
  return null;
}

/** What `yarn node` adds, so that processes of vitest's own find packages, too. */
export function pnpOptions(
  root: string,
  file: string | null,
  inherited: string | undefined,
): Readonly<Record<string, string>> {
  if (file === null) return {};
  const path = join(root, file);
  const loader = path.replace(/\.cjs$/u, '.loader.mjs');
  const words = [
    inherited ?? '',
    `--require ${JSON.stringify(path)}`,
    `--experimental-loader ${pathToFileURL(loader).href}`,
  ];
  return { NODE_OPTIONS: words.filter((word) => word !== '').join(' ') };
}

/**
 * One tree, three names: as cargo sees it (real path, inside the place), as the place calls it, and relative to the
 * project's root with `/` separators, which is the only form that leaves this room.
 */
import { realpathSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Workspace } from '../../run/adapters.js';

export interface TreePaths {
  /** The project's root as cargo prints it. */
  readonly root: string;
  /** Relative to the project's root, or null for a path outside of it. The root itself is ''. */
  relative(path: string): string | null;
  /** The file as this process reads it, or null where only the place can (outside the tree, in a container). */
  host(path: string): string | null;
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** `workspaceRoot` is what cargo metadata printed when it ran in `directory` (relative to the project's root). */
export function treePaths(workspace: Workspace, workspaceRoot: string, directory: string): TreePaths {
  // A workspace whose root lies above the project's: only the project's own real path tells where it is.
  const real = workspace.place === 'host' ? realPath(workspace.hostRoot) : null;
  const suffix = directory === '' ? '' : `/${directory}`;
  // Cargo prints real paths: where the root is reached through a symlink its name differs from the place's.
  const root =
    real !== null && real !== workspaceRoot && real.startsWith(`${workspaceRoot}/`)
      ? real
      : suffix === ''
        ? workspaceRoot
        : workspaceRoot.endsWith(suffix)
          ? workspaceRoot.slice(0, -suffix.length)
          : workspace.root;
  const relative = (path: string): string | null => {
    for (const base of [root, workspace.root]) {
      if (path === base) return '';
      if (path.startsWith(`${base}/`)) return posix.normalize(path.slice(base.length + 1));
    }
    return null;
  };
  return {
    root,
    relative,
    host: (path) => {
      const inside = relative(path);
      if (inside !== null) return join(workspace.hostRoot, inside);
      return workspace.place === 'host' ? path : null;
    },
  };
}

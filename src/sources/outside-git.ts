/** Files of a folder that no git repository holds: globby, honouring .gitignore files, never following a symlink. */

export async function listOutsideGit(root: string): Promise<readonly string[]> {
  // Loaded only here: inside git, which is nearly always, it is never needed.
  const { globby } = await import('globby');
  const found = await globby('**', {
    cwd: root,
    dot: true,
    gitignore: true,
    followSymbolicLinks: false,
    onlyFiles: false,
    markDirectories: true,
    suppressErrors: true,
    ignore: ['**/.git/**', '**/node_modules/**', '**/.coherence/runs/**'],
  });
  return found.filter((path) => !path.endsWith('/')).sort();
}

/** The project of the end-to-end proof: a crate with one dependency from a vendored registry, all offline. */
import { join } from 'node:path';
import { committed, folder, git, type Folder } from './rig.js';

export const GOOD = `pub fn answer() -> i32 {\n    depa::base() + 1\n}\n\n#[test]\nfn answers() {\n    assert_eq!(answer(), 42);\n}\n`;
export const BROKEN = `pub fn answer() -> i32 {\n    depa::base() + "1"\n}\n\n#[test]\nfn answers() {\n    assert_eq!(answer(), 42);\n}\n`;
export const WRONG = `pub fn answer() -> i32 {\n    depa::base() + 2\n}\n\n#[test]\nfn answers() {\n    assert_eq!(answer(), 42);\n}\n`;

export const projectFiles: Readonly<Record<string, string>> = {
  'Cargo.toml':
    '[package]\nname = "fx"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\ndepa = "1"\nside = { path = "side" }\n\n[workspace]\nexclude = ["side"]\n',
  'src/lib.rs': GOOD,
  // Below the top level, not a member: the in-tree path dependency of the measured facts.
  'side/Cargo.toml': '[package]\nname = "side"\nversion = "0.1.0"\nedition = "2021"\n',
  'side/src/lib.rs': 'pub fn ground() -> i32 {\n    1\n}\n',
  'tests/flow.rs': '#[test]\nfn flows() {\n    assert_eq!(fx::answer() + side::ground(), 43);\n}\n',
  'vendor/depa/Cargo.toml': '[package]\nname = "depa"\nversion = "1.0.0"\nedition = "2021"\n',
  'vendor/depa/src/lib.rs': 'pub fn base() -> i32 {\n    41\n}\n',
  'vendor/depa/.cargo-checksum.json': '{"files":{},"package":null}',
  '.cargo/config.toml':
    '[source.crates-io]\nreplace-with = "vendored"\n\n[source.vendored]\ndirectory = "vendor"\n\n[net]\noffline = true\n',
  '.gitignore': '/target\n',
};

export interface WarmProject {
  readonly repo: Folder;
  readonly cache: Folder;
  /** Environment with the cache in it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheFolder: string;
  /** Commits a version of src/lib.rs (and other files) and gives the commit. */
  commit(source: string, files?: Readonly<Record<string, string>>): Promise<string>;
  /** A worktree of a commit, outside the repository. */
  worktree(commit: string): Promise<string>;
  remove(): Promise<void>;
}

export async function warmProject(): Promise<WarmProject> {
  const repo = await folder();
  const cache = await folder();
  const trees = await folder();
  await repo.write(projectFiles);
  await committed(repo.path, 'start');
  let count = 0;
  return {
    repo,
    cache,
    cacheFolder: cache.path,
    env: { ...process.env, COHERENCE_CACHE_DIR: cache.path },
    commit: async (source, files = {}) => {
      await repo.write({ 'src/lib.rs': source, ...files });
      return committed(repo.path);
    },
    worktree: async (commit) => {
      const path = join(trees.path, `tree-${(count += 1)}`);
      await git(repo.path, 'worktree', 'add', '-q', '--detach', path, commit);
      return path;
    },
    remove: async () => {
      for (const one of [repo, cache, trees]) await one.remove();
    },
  };
}

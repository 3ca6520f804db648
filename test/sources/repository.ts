import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ENVIRONMENT = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
};

/** A throw-away folder with files, and a git repository where wanted. */
export class Repository {
  readonly root: string;

  constructor(files: Readonly<Record<string, string>> = {}, options: { readonly git?: boolean } = {}) {
    this.root = mkdtempSync(join(tmpdir(), 'coherence-sources-'));
    for (const [path, text] of Object.entries(files)) this.write(path, text);
    if (options.git === false) return;
    this.git('init', '-q', '-b', 'main');
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  git(...args: string[]): string {
    return execFileSync('git', args, {
      cwd: this.root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: ENVIRONMENT,
    }).trim();
  }

  commit(message = 'commit'): string {
    this.git('add', '-A');
    this.git('commit', '-q', '--allow-empty', '-m', message);
    return this.git('rev-parse', 'HEAD');
  }

  /** Makes git's index vouch for the files: their stat data must be older than the index. */
  settle(): void {
    execFileSync(
      'find',
      ['.', '-path', './.git', '-prune', '-o', '-type', 'f', '-exec', 'touch', '-d', '2020-01-01 00:00:00', '{}', '+'],
      {
        cwd: this.root,
      },
    );
    this.git('update-index', '-q', '--really-refresh');
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/**
 * What the two README commands share: installs the npm packages when needed, builds, says what it does. Only Node's own modules,
 * since it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const cache =
  process.env.COHERENCE_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'coherence');

export const say = (text) => process.stderr.write(`\u001b[1m› ${text}\u001b[0m\n`);

/** Runs a program with our terminal; ends this process with its exit code when it fails, unless told not to. */
export function run(command, args, { cwd = root, env = process.env, check = true, quiet = false } = {}) {
  const result = spawnSync(command, args, { cwd, env, stdio: quiet ? 'ignore' : ['ignore', 2, 2] });
  const code = result.error ? 127 : (result.status ?? 1);
  if (check && code !== 0) {
    say(`${command} ${args.join(' ')} ended with ${code}${result.error ? ` (${result.error.message})` : ''}`);
    process.exit(code);
  }
  return code;
}

/** `npm ci` in a folder, unless its lock file is the one that was installed last. */
export function installPackages(folder) {
  const lock = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  const stamp = join(folder, 'node_modules', '.coherence-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say(`installing npm packages${folder === root ? '' : ` in ${folder.slice(root.length + 1)}`}`);
  run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], { cwd: folder });
  writeFileSync(stamp, lock);
}

export function buildProduct() {
  say('building');
  run(process.execPath, ['scripts/build.mjs']);
}

/** A folder for PATH with a `python3` that has pytest: the machine's own, else a virtual environment in the cache; null without Python. */
export function pythonWithPytest() {
  if (run('python3', ['-m', 'pytest', '--version'], { check: false, quiet: true }) === 0) return '';
  if (run('python3', ['--version'], { check: false, quiet: true }) !== 0) return null;
  const folder = join(cache, 'python');
  if (!existsSync(join(folder, 'bin', 'pytest'))) {
    say('installing pytest into a virtual environment in the cache');
    mkdirSync(cache, { recursive: true });
    if (run('python3', ['-m', 'venv', folder], { check: false }) !== 0) return null;
    if (
      run(
        join(folder, 'bin', 'python3'),
        ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'pytest'],
        { check: false },
      ) !== 0
    )
      return null;
  }
  return join(folder, 'bin');
}

export function withPath(folder) {
  return folder ? { ...process.env, PATH: `${folder}:${process.env.PATH ?? ''}` } : process.env;
}

/**
 * Compiles native/observer.c into a folder, as one static program for this machine's platform, where a C compiler is present.
 * Programs of other platforms that `COHERENCE_OBSERVERS` names (a folder, for the package that is published) are copied as they are.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FLAGS = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-s', '-Wl,--build-id=none'];

/** @returns {boolean} whether the program was made; a compiler without static libraries makes a dynamic one */
function compile(source, target) {
  for (const program of [process.env.CC, 'cc', 'gcc', 'clang'].filter(Boolean)) {
    for (const linking of [['-static'], []]) {
      const result = spawnSync(program, [...FLAGS, ...linking, '-o', target, source], { encoding: 'utf8' });
      if (result.status === 0) return true;
      if (result.error !== undefined) break;
      if (linking.length === 0) process.stderr.write(`observer: ${result.stderr}`);
    }
  }
  return false;
}

/**
 * @param {string} root of the repository
 * @param {string} folder where the programs and `hashes.json` go
 * @returns {Record<string, string>} platform → SHA-256 of its program
 */
export function buildObserver(root, folder) {
  mkdirSync(folder, { recursive: true });
  const given = process.env.COHERENCE_OBSERVERS;
  if (given !== undefined && existsSync(given))
    for (const name of readdirSync(given).filter((file) => file.startsWith('observer-')))
      copyFileSync(join(given, name), join(folder, name));
  if (process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch))
    compile(join(root, 'native', 'observer.c'), join(folder, `observer-linux-${process.arch}`));
  const hashes = Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.startsWith('observer-'))
      .map((name) => [
        name.slice('observer-'.length),
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );
  writeFileSync(join(folder, 'hashes.json'), `${JSON.stringify(hashes, null, 2)}\n`);
  return hashes;
}

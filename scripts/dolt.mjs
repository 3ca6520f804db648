/**
 * Installs Dolt into the cache, as `coherence doctor --fix` does it: finds one that is there, else takes the mirror in
 * COHERENCE_STORE__DOLT_URL (with COHERENCE_STORE__DOLT_SHA256), else builds it with Go. For CI and fresh machines:
 * needs nothing but Node and this checkout's node_modules. Prints the program's path.
 */
import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'node_modules', '.cache', 'coherence-scripts');
const outfile = join(folder, `install-${process.pid}.mjs`);
await mkdir(folder, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/store/dolt/install.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'error',
});
try {
  const { ensureDolt } = await import(pathToFileURL(outfile).href);
  const { env } = process;
  const base =
    env.XDG_CACHE_HOME !== undefined && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(homedir(), '.cache');
  const place = {
    state: '',
    sockets: '',
    database: '',
    url: null,
    idleMinutes: 15,
    author: '',
    env,
    cache: env.COHERENCE_CACHE_DIR || join(base, 'coherence'),
    doltBin: env.COHERENCE_STORE__DOLT_BIN || null,
    doltUrl: env.COHERENCE_STORE__DOLT_URL || null,
    doltSha256: env.COHERENCE_STORE__DOLT_SHA256 || null,
  };
  const found = await ensureDolt(place, (line) => process.stderr.write(`${line}\n`));
  if (found.ok) process.stdout.write(`${found.value.path}\n`);
  else for (const item of found.failures) process.stderr.write(`error: ${item.message} ${item.hint ?? ''}\n`);
  process.exitCode = found.ok ? 0 : 69;
} finally {
  await rm(outfile, { force: true });
}

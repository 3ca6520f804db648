/**
 * Builds dist/: one CommonJS bundle per program, and the small start that loads them with V8's code cache (docs/start.md).
 * Heavy libraries stay outside the bundles and load when first needed
 * (ts-morph does not survive bundling; web-tree-sitter, mysql2 and the SQLite driver bring files of their own).
 */
import { existsSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildObserver } from './build-observer.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** One hash of all sources: caches of analyses are kept under it. */
function sourceHash() {
  const hash = createHash('sha256');
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => join(found.parentPath, found.name))
    .sort()) {
    hash.update(relative(root, entry)).update('\0').update(readFileSync(entry)).update('\0');
  }
  const lock = join(root, 'package-lock.json');
  if (existsSync(lock)) hash.update(readFileSync(lock));
  return hash.digest('hex').slice(0, 16);
}
const programs = {
  cli: 'src/cli/main.ts',
  daemon: 'src/daemon/main.ts',
  worker: 'src/daemon/worker.ts',
  'warm-worker': 'src/daemon/warm-worker.ts',
};

const only = process.argv.includes('--only') ? process.argv.slice(process.argv.indexOf('--only') + 1) : null;
// Built beside and swapped in: a failed build leaves the last good one.
const fresh = `dist.${process.pid}.tmp`;
try {
  const observers = buildObserver(root, join(root, fresh, 'native'));
  const options = {
    absWorkingDir: root,
    outdir: fresh,
    bundle: true,
    // A code cache needs one script: modules have none on Node 20.
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    minifySyntax: true,
    // A third less to read and parse at every start; names stay, for stack traces.
    minifyWhitespace: true,
    legalComments: 'none',
    external: ['ts-morph', 'web-tree-sitter', 'mysql2', 'mysql2/promise', '@photostructure/sqlite', 'node:sqlite'],
    define: {
      COHERENCE_VERSION: JSON.stringify(version),
      COHERENCE_BUILD: JSON.stringify(sourceHash()),
      COHERENCE_OBSERVERS: JSON.stringify(observers),
      'import.meta.url': '__bundleUrl',
    },
    banner: { js: "const __bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  };
  const wanted = (name) => (only === null || only.includes(name)) && existsSync(join(root, programs[name]));
  await build({ ...options, entryPoints: { start: 'src/start/main.ts' } });
  // Optional native parts stay outside: these packages do without them.
  const libraries = {
    'mysql2.library': 'node_modules/mysql2/promise.js',
  };
  await build({ ...options, sourcemap: false, entryPoints: libraries, external: ['*.node'] });
  // What the start loads has no `import()`: libraries outside the bundle are required, and util/import-module.ts has the rest.
  await build({
    ...options,
    entryPoints: Object.fromEntries(Object.entries(programs).filter(([name]) => wanted(name))),
    supported: { 'dynamic-import': false },
  });
  // One character beyond ASCII makes V8 keep a bundle as UTF-16, twice the memory and slower at every start.
  for (const name of readdirSync(join(root, fresh)).filter((file) => file.endsWith('.cjs'))) {
    const found = /.{0,40}[^\x00-\x7f]/u.exec(readFileSync(join(root, fresh, name), 'latin1'));
    if (found !== null)
      throw new Error(
        `${name} holds a character beyond ASCII; write it as \\u and its number where it stands in a regular expression or String.raw: ${found[0]}`,
      );
  }
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  renameSync(join(root, fresh), join(root, 'dist'));
} catch (error) {
  rmSync(join(root, fresh), { recursive: true, force: true });
  process.stderr.write(`build failed: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}\n`);
  process.exit(1);
}
if (existsSync(join(root, 'scripts/copy-grammars.mjs'))) {
  const { copyGrammars } = await import('./copy-grammars.mjs');
  await copyGrammars();
}

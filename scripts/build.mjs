/**
 * Builds dist/: one bundle per entry with shared chunks. Heavy libraries stay outside the bundle and load when first needed
 * (ts-morph does not survive bundling; web-tree-sitter, mysql2, dockerode and the SQLite driver bring files of their own).
 */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = {
  cli: 'src/cli/main.ts',
  daemon: 'src/daemon/main.ts',
  worker: 'src/daemon/worker.ts',
  'warm-worker': 'src/daemon/warm-worker.ts',
};

const only = process.argv.includes('--only') ? process.argv.slice(process.argv.indexOf('--only') + 1) : null;
// Built beside and swapped in: a failed build leaves the last good one.
const fresh = `dist.${process.pid}.tmp`;
try {
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      Object.entries(entries).filter(([name, file]) => existsSync(join(root, file)) && (only === null || only.includes(name))),
    ),
    outdir: fresh,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    minifySyntax: true,
    // A third less to read and parse at every start; names stay, for stack traces.
    minifyWhitespace: true,
    legalComments: 'none',
    external: ['ts-morph', 'web-tree-sitter', 'mysql2', 'mysql2/promise', 'dockerode', '@photostructure/sqlite', 'node:sqlite'],
    define: { COHERENCE_VERSION: JSON.stringify(version) },
    // CommonJS packages inside an ESM bundle call require for Node's own modules.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
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

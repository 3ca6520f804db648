/**
 * Builds dist/: one bundle per entry with shared chunks. Heavy libraries stay outside the bundle and load when first needed
 * (ts-morph does not survive bundling; web-tree-sitter, mysql2, dockerode and the SQLite driver bring files of their own).
 */
import { readFileSync, rmSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = { cli: 'src/cli/main.ts', daemon: 'src/daemon/main.ts', worker: 'src/daemon/worker.ts', 'warm-worker': 'src/daemon/warm-worker.ts' };

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file)))),
  outdir: 'dist', bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20.19', sourcemap: true, minifySyntax: true, legalComments: 'none',
  external: ['ts-morph', 'web-tree-sitter', 'mysql2', 'mysql2/promise', 'dockerode', '@photostructure/sqlite', 'node:sqlite'],
  define: { COHERENCE_VERSION: JSON.stringify(version) },
  // CommonJS packages inside an ESM bundle call require for Node's own modules.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'warning',
});
if (existsSync(join(root, 'scripts/copy-grammars.mjs'))) {
  const { copyGrammars } = await import('./copy-grammars.mjs');
  await copyGrammars();
}

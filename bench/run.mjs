/**
 * `npm run bench [NAME…]`: every job as a ratio against a floor or a rival measured in the same run. Results and dead ends are in
 * bench/numbers.md. Builds the benchmark files with esbuild into a temporary folder inside node_modules, then runs them.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const NAMES = ['main', 'cache', 'observer', 'cargo', 'docker', 'daemon', 'store', 'page', 'truth'];
const wanted = process.argv.slice(2).filter((name) => !name.startsWith('-'));
const chosen = wanted.length > 0 ? wanted : NAMES;

if (!existsSync(join(root, 'dist', 'cli.cjs'))) {
  process.stderr.write('Build first: npm run build\n');
  process.exit(64);
}
const out = join(root, 'node_modules', '.cache', `coherence-bench-${process.pid}`);
mkdirSync(out, { recursive: true });
let missed = 0;
try {
  for (const name of chosen) {
    const source = ['ts', 'mjs']
      .map((ending) => join(root, 'bench', `${name}.${ending}`))
      .find((path) => existsSync(path));
    if (source === undefined) {
      process.stderr.write(`no benchmark ${name}; there are ${NAMES.join(', ')}\n`);
      process.exit(64);
    }
    await build({
      entryPoints: [source],
      outfile: join(out, `${name}.mjs`),
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      packages: 'external',
      logLevel: 'warning',
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
    });
    if (name === 'truth') {
      const { truthBench } = await import('./truth.mjs');
      const truth = truthBench(root);
      if (truth === null || truth.green.length > 0 || !truth.whole) missed += 1;
      process.stdout.write(
        truth === null
          ? 'MISSED truth   the corpus did not run\n'
          : `${truth.green.length === 0 && truth.whole ? 'ok    ' : 'MISSED'} truth   false PASS: ${truth.green.length} of ${truth.planted} planted mistakes (${truth.rows} rows)${truth.green.length === 0 ? '' : `: ${truth.green.join(', ')}`}\n`,
      );
      continue;
    }
    if (name === 'cargo') {
      const { cargoBench } = await import('./cargo.mjs');
      for (const row of await cargoBench()) {
        if (!row.holds && row.target !== null) missed += 1;
        process.stdout.write(
          `${row.holds ? 'ok    ' : 'MISSED'} cargo   ${row.name}: ${row.ratio.toFixed(2)} x (target ${row.target}); ${row.detail}\n`,
        );
      }
      continue;
    }
    const module = await import(pathToFileURL(join(out, `${name}.mjs`)).href);
    const figures = await (module.default ?? module[`${name}Benchmarks`])();
    for (const figure of figures) {
      const ok = figure.atLeast === true ? figure.ratio >= figure.target : figure.ratio <= figure.target;
      if (!ok) missed += 1;
      process.stdout.write(
        `${ok ? 'ok    ' : 'MISSED'} ${name.padEnd(7)} ${figure.name}: ${figure.ratio.toFixed(2)} x ${figure.against} (target ${figure.atLeast === true ? '≥' : '≤'} ${figure.target}); ${Math.round(figure.ms)} against ${Math.round(figure.baseMs)} ms\n`,
      );
    }
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
process.stdout.write(missed === 0 ? 'all targets met\n' : `${missed} targets missed\n`);

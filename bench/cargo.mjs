/**
 * Benchmark of the cargo backend, as ratios against floors measured in the same run:
 * 60 links against one cargo call a link and against one plain `cargo test`; a warm directory's gain on a second worktree.
 *
 *   import { cargoBench } from './cargo.mjs';  const rows = await cargoBench();   // or: node bench/cargo.mjs
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const TESTS = 60;

/** The rooms that are measured, bundled from source: the benchmark needs no earlier build of the product. */
async function load(folder) {
  const entry = join(folder, 'entry.ts');
  const room = (name) => JSON.stringify(join(here, '..', 'src', name));
  await writeFile(
    entry,
    `export * from ${room('run/cargo/index.ts')}; export { hostPlace } from ${room('run/places/index.ts')};`,
  );
  // Below the product, so that packages resolve.
  const outfile = join(here, '..', 'node_modules', '.cache', `bench-cargo-${process.pid}.mjs`);
  await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    outfile,
    logLevel: 'error',
  });
  const loaded = await import(pathToFileURL(outfile).href);
  await rm(outfile);
  return loaded;
}

const caseOf = (name, i, file = 'src/lib.rs', path = ['tests', name]) => ({
  id: `case-${i}`,
  runner: 'cargo',
  place: 'host',
  environment: null,
  selector: [file, ...path].join('::'),
  test: null,
  file,
  path,
  line: 0,
  timeoutMs: 60_000,
  env: {},
  features: [],
  ignored: false,
  artifacts: [],
  expect: {},
  privateDaemon: false,
  after: [],
  inheritWorkspace: false,
  criteria: ['AC-bench'],
});

async function verify(product, root, cases, cacheFolder, cargoEnv = [], env = process.env) {
  const output = await mkdtemp(join(tmpdir(), 'coherence-bench-out-'));
  const runner = product.cargoRunner({ cacheFolder });
  const place = product.hostPlace({ root, env, outputFolder: output });
  const signal = new AbortController().signal;
  const started = performance.now();
  const outcomes = [];
  for (const batch of await runner.batches(root, cases)) {
    const opened = await place.open({ environment: null, batch, signal });
    const { workspace } = opened;
    outcomes.push(
      ...(await runner.run(batch, workspace, {
        root,
        jobs: 2,
        signal,
        emit: () => undefined,
        env: {},
        attempt: 1,
        cargoEnv,
      })),
    );
    await workspace[Symbol.asyncDispose]();
  }
  const spent = performance.now() - started;
  await place.close();
  await rm(output, { recursive: true, force: true });
  const bad = outcomes.find((outcome) => outcome.reason !== 'executed');
  if (bad !== undefined)
    throw new Error(`the benchmark's own test did not pass: ${bad.reason} ${bad.detail} ${bad.message}`);
  return spent;
}

const timed = async (work) => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

const median = (values) => [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)];

/** Rows `{ name, ratio, target, holds, detail }`; `[]` when cargo is absent. */
export async function cargoBench({ rounds = 3, parts = ['toy', 'published', 'warm'] } = {}) {
  try {
    await run('cargo', ['--version']);
  } catch {
    return [];
  }
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'coherence-bench-cargo-')));
  const rows = [];
  const row = (name, ratio, target, holds, detail) =>
    rows.push({ name, ratio: Number(ratio.toFixed(2)), target, holds, detail });
  try {
    const product = await load(folder);
    const ms = (value) => `${Math.round(value)} ms`;
    if (parts.includes('toy')) await toy(product, folder, rounds, row, ms);
    if (parts.includes('published')) await published(product, folder, rounds, row, ms);
    if (parts.includes('warm')) await warmGain(product, folder, row, ms);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  return rows;
}

/** 60 links of a crate that compiles in a blink: the worst case for what surrounds the tests. */
async function toy(product, folder, rounds, row, ms) {
  const root = join(folder, 'crate');
  const cacheFolder = join(folder, 'cache');
  const names = Array.from({ length: TESTS }, (_, i) => `case_${i}`);
  await mkdir(join(root, 'src'), { recursive: true });
  await writeFile(
    join(root, 'Cargo.toml'),
    '[package]\nname = "many"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n',
  );
  await writeFile(
    join(root, 'src/lib.rs'),
    `pub fn square(value: u64) -> u64 { value * value }\n#[cfg(test)] mod tests { use super::square;\n${names.map((name, i) => `#[test] fn ${name}() { let mut sum = 0u64; for n in 0..${1000 + i} { sum = sum.wrapping_add(square(n)); } assert!(sum > 0); }`).join('\n')}\n}\n`,
  );
  await run('cargo', ['generate-lockfile'], { cwd: root });
  const cases = names.map((name, i) => caseOf(name, i));
  const edit = () => utimes(join(root, 'src/lib.rs'), new Date(), new Date());
  await run('cargo', ['test'], { cwd: root });
  await verify(product, root, cases, cacheFolder);
  const plain = { changed: [], fresh: [] };
  const ours = { changed: [], fresh: [] };
  for (let round = 0; round < rounds; round += 1) {
    await edit();
    plain.changed.push(await timed(() => run('cargo', ['test'], { cwd: root })));
    plain.fresh.push(await timed(() => run('cargo', ['test'], { cwd: root })));
    await edit();
    ours.changed.push(await verify(product, root, cases, cacheFolder));
    ours.fresh.push(await verify(product, root, cases, cacheFolder));
  }
  const eachCall = await timed(async () => {
    for (const name of names) await run('cargo', ['test', '--', '--exact', `tests::${name}`], { cwd: root });
  });
  row(
    '60 cargo links, nothing changed: one cargo call a link / ours',
    eachCall / median(ours.fresh),
    '>= 8',
    eachCall / median(ours.fresh) >= 8,
    `${ms(eachCall)} / ${ms(median(ours.fresh))}`,
  );
  row(
    '60 links of a toy crate, one source changed: ours / plain cargo test',
    median(ours.changed) / median(plain.changed),
    'shown',
    true,
    `${ms(median(ours.changed))} / ${ms(median(plain.changed))}`,
  );
  row(
    '60 links of a toy crate, nothing changed: ours / plain cargo test',
    median(ours.fresh) / median(plain.fresh),
    'shown',
    true,
    `${ms(median(ours.fresh))} / ${ms(median(plain.fresh))}`,
  );
}

/** 60 links of a published crate with doc tests and development dependencies, after one of its sources was touched. */
async function published(product, folder, rounds, row, ms) {
  const probe = join(folder, 'probe');
  await mkdir(join(probe, 'src'), { recursive: true });
  await writeFile(
    join(probe, 'Cargo.toml'),
    '[package]\nname = "probe"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nindexmap = "=2.14.2"\n\n[workspace]\n',
  );
  await writeFile(join(probe, 'src/lib.rs'), '');
  const root = join(folder, 'indexmap');
  try {
    await run('cargo', ['vendor', '--versioned-dirs', 'vendor'], { cwd: probe });
    await cp(join(probe, 'vendor/indexmap-2.14.2'), root, { recursive: true });
    await run('cargo', ['test'], { cwd: root, maxBuffer: 1e9 });
  } catch {
    return;
  }
  const names = [];
  for (const file of ['src/map/tests.rs', 'src/set/tests.rs'])
    for (const match of (await readFile(join(root, file), 'utf8')).matchAll(/^#\[test\]\nfn (\w+)\(\)/gmu))
      names.push([file, match[1]]);
  const cases = names.slice(0, TESTS).map(([file, name], i) => caseOf(name, i, file, [name]));
  const edit = () => utimes(join(root, 'src/lib.rs'), new Date(), new Date());
  const cacheFolder = join(folder, 'cache');
  await verify(product, root, cases, cacheFolder);
  const plain = [];
  const same = [];
  const ours = [];
  for (let round = 0; round < rounds; round += 1) {
    await edit();
    plain.push(await timed(() => run('cargo', ['test'], { cwd: root, maxBuffer: 1e9 })));
    await edit();
    // The builds of a plain call and the linked tests alone: no doc tests, no slow property tests.
    same.push(
      await timed(async () => {
        await run('cargo', ['test', '--no-run'], { cwd: root, maxBuffer: 1e9 });
        const exact = cases.map((one) => one.selector.replace(/^src\/(\w+)\/tests\.rs::/u, '$1::tests::'));
        const { stdout } = await run('cargo', ['test', '--lib', '--', '--exact', ...exact], {
          cwd: root,
          maxBuffer: 1e9,
        });
        if (!stdout.includes(`${cases.length} passed`)) throw new Error('the rival ran other tests');
      }),
    );
    await edit();
    ours.push(await verify(product, root, cases, cacheFolder));
  }
  for (const [what, rival] of [
    ['plain cargo test', plain],
    ['plain cargo test of these tests alone', same],
  ])
    row(
      `${cases.length} links of indexmap, one source changed: ours / ${what}`,
      median(ours) / median(rival),
      '<= 1.15',
      median(ours) / median(rival) <= 1.15,
      `${ms(median(ours))} / ${ms(median(rival))}`,
    );
}

/** Gain of a warm directory for a second worktree whose one dependency takes a while to compile. */
async function warmGain(product, folder, row, ms) {
  const repo = join(folder, 'warm');
  await mkdir(join(repo, 'src'), { recursive: true });
  await writeFile(
    join(repo, 'Cargo.toml'),
    '[package]\nname = "warmed"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nsyn = { version = "2", features = ["full"] }\n\n[workspace]\n',
  );
  await writeFile(
    join(repo, 'src/lib.rs'),
    '#[cfg(test)] mod tests { #[test] fn parses() { assert!(syn::parse_str::<syn::File>("fn f() {}").is_ok()); } }\n',
  );
  await writeFile(join(repo, '.gitignore'), '/target\n');
  try {
    await run('cargo', ['fetch'], { cwd: repo });
  } catch {
    return;
  }
  const git = (...args) => run('git', ['-c', 'user.name=b', '-c', 'user.email=b@example.org', ...args], { cwd: repo });
  await git('init', '-q');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'start');
  for (const tree of ['one', 'two', 'cold']) await git('worktree', 'add', '-q', '--detach', join(folder, tree), 'HEAD');
  const env = { ...process.env, COHERENCE_CACHE_DIR: join(folder, 'warm-cache') };
  const cases = [caseOf('parses', 0)];
  const speculative = async (tree) => {
    const { report, cargoEnv } = await product.speculativeCargo({
      sessionId: 'bench',
      worktree: join(folder, tree),
      enabled: true,
      env,
    });
    if (report.status !== 'Warmed') throw new Error(`warm boot: ${report.reason} ${report.stderrTail}`);
    return verify(product, join(folder, tree), cases, join(folder, 'warm-cache'), cargoEnv, env);
  };
  await speculative('one');
  const warm = await timed(() => speculative('two'));
  const cold = await timed(() => verify(product, join(folder, 'cold'), cases, join(folder, 'warm-cache'), [], env));
  row('second worktree of a session: cold / speculative', cold / warm, 'shown', true, `${ms(cold)} / ${ms(warm)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const entry of await cargoBench())
    process.stdout.write(
      `${entry.holds ? 'ok  ' : 'MISS'} ${String(entry.ratio).padStart(7)} x  (${entry.target})  ${entry.name}: ${entry.detail}\n`,
    );
}

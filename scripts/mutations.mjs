/**
 * `npm run mutations -- [--count N] [--seed N] [--from N] [--suite vitest|cargo|pytest] [--minutes N]`: random compositions of changes against the
 * verdict cache and `--changed`. Each is planned from the cache and selected by change, and run without the cache where a verdict
 * was taken or left out; the cache keeps what all of them left. Wrong is: a cached verdict that the honest run does not give,
 * something not green that `--changed` leaves out. Each violation is printed with what repeats it; then the exit code is 1.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const CLI = process.env.COHERENCE_BIN ?? join(root, 'bin', 'coherence.cjs');
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    suite: { type: 'string' },
    minutes: { type: 'string', default: '0' },
  },
});
const [count, seed, from] = [Number(values.count), Number(values.seed), Number(values.from)];
/** After so many minutes no further mutation begins; 0: no limit. */
const until = Number(values.minutes) > 0 ? performance.now() + Number(values.minutes) * 60_000 : Infinity;
if (![count, seed, from].every((value) => Number.isInteger(value) && value >= 0)) {
  process.stderr.write('--count, --seed and --from are whole numbers\n');
  process.exit(64);
}
if (!existsSync(join(root, 'dist', 'cli.cjs'))) {
  process.stderr.write('Build first: npm run build\n');
  process.exit(64);
}

const out = join(root, 'node_modules', '.cache', `coherence-mutations-${process.pid}`);
mkdirSync(out, { recursive: true });
let rig;
try {
  await build({
    entryPoints: [join(root, 'test', 'rig', 'mutators.ts')],
    outfile: join(out, 'mutators.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
  });
  rig = await import(pathToFileURL(join(out, 'mutators.mjs')).href);
} finally {
  rmSync(out, { recursive: true, force: true });
}
const suites = rig.RANDOM_SUITES.filter((suite) => values.suite === undefined || suite.name === values.suite);
if (suites.length === 0) {
  process.stderr.write(
    `there is no suite ${values.suite}; there are ${rig.RANDOM_SUITES.map((suite) => suite.name).join(', ')}\n`,
  );
  process.exit(64);
}

/** A committed project with a state and cache folder of its own. */
function open(suite) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coh-mutations-')));
  const project = join(folder, 'project');
  const home = process.env['HOME'] ?? '';
  const env = {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    TMPDIR: tmpdir(),
    HOME: join(folder, 'home'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    COHERENCE_STATE_DIR: join(folder, 'state'),
    COHERENCE_CACHE_DIR: join(folder, 'cache'),
    CARGO_HOME: process.env['CARGO_HOME'] ?? join(home, '.cargo'),
    RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(home, '.rustup'),
    PYENV_ROOT: process.env['PYENV_ROOT'] ?? join(home, '.pyenv'),
    PYTHONDONTWRITEBYTECODE: '1',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'T',
    GIT_AUTHOR_EMAIL: 't@example.org',
    GIT_COMMITTER_NAME: 'T',
    GIT_COMMITTER_EMAIL: 't@example.org',
  };
  for (const name of ['home', 'run']) mkdirSync(join(folder, name), { mode: 0o700 });
  mkdirSync(project);
  const run = (command, more = {}) => {
    const answer = spawnSync(command[0], command.slice(1), {
      cwd: project,
      env: { ...env, ...more },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (answer.error !== undefined) throw answer.error;
    return answer;
  };
  const git = (...args) => {
    const answer = run(['git', ...args]);
    if (answer.status !== 0) throw new Error(`git ${args.join(' ')}: ${answer.stderr}`);
    return answer.stdout;
  };
  const coherence = (args, more) => {
    const answer = run([process.execPath, CLI, ...args, '--json'], more);
    if (answer.stdout.trim() === '') return { failed: `${answer.status}: ${answer.stderr.trim()}` };
    return JSON.parse(answer.stdout);
  };
  const write = (files) => {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(project, path)), { recursive: true });
      rmSync(join(project, path), { force: true });
      if (text.startsWith(rig.LINK)) symlinkSync(text.slice(rig.LINK.length), join(project, path));
      else writeFileSync(join(project, path), text);
      if (text.startsWith('#!')) chmodSync(join(project, path), 0o755);
    }
  };
  const base = new Map([
    ['.coherence/project.toml', 'project_slug = "m"\nproject_hash = "m"\ndolt_db_name = "m"\n'],
    ['.coherence/.gitignore', 'runs/\n'],
    ...Object.entries(suite.files),
  ]);
  git('init', '-q', '-b', 'main');
  write(base);
  if (suite.npm) symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  git('add', '-A');
  git('commit', '-qm', 'start');
  return {
    coherence,
    /** Brings the tree from the base to these files, ignored ones too. */
    take(files) {
      git('checkout', '-q', '--', '.');
      git('clean', '-qfdx', '-e', 'node_modules', '-e', '.coherence', '-e', 'target');
      for (const path of base.keys())
        if (!files.has(path) && !path.startsWith('.coherence/')) rmSync(join(project, path), { force: true });
      write([...files].filter(([path, text]) => base.get(path) !== text || !existsSync(join(project, path))));
    },
    close: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}

const verdictsOf = (record) =>
  new Map((record.specs ?? []).flatMap((spec) => spec.criteria.map((criterion) => [criterion.id, criterion.verdict])));

/** Criteria whose every case comes from the cache, with the worst cached verdict. */
function cachedOf(plan) {
  const runs = new Set([
    ...plan.batches.flatMap((batch) => batch.cases.flatMap((entry) => entry.criteria)),
    ...plan.skipped.map((entry) => entry.criterion),
  ]);
  const found = new Map();
  for (const entry of plan.cached)
    for (const id of entry.criteria) if (!runs.has(id) && found.get(id) !== 'FAIL') found.set(id, entry.verdict);
  return found;
}
const selectedOf = (plan) =>
  new Set([
    ...plan.batches.flatMap((batch) => batch.cases.flatMap((entry) => entry.criteria)),
    ...plan.skipped.map((entry) => entry.criterion),
    ...plan.cached.flatMap((entry) => entry.criteria),
  ]);

let violations = 0;
const totals = { mutations: 0, hits: 0, checked: 0, left: 0, refused: 0 };
for (const suite of suites) {
  const project = open(suite);
  const here = { mutations: 0, hits: 0, checked: 0, left: 0, refused: 0 };
  try {
    // Twice: what the first run leaves behind is there when the second one begins.
    project.coherence(['verify']);
    const first = project.coherence(['verify', '--no-cache']);
    const bad = [...verdictsOf(first)].filter(([, verdict]) => verdict !== 'PASS');
    if (first.failed !== undefined || bad.length > 0)
      throw new Error(
        `${suite.name}: the project is not green to begin with: ${
          first.failed ??
          JSON.stringify(
            first.specs.flatMap((spec) => spec.criteria).filter((criterion) => criterion.verdict !== 'PASS'),
            null,
            1,
          ).slice(0, 3000)
        }`,
      );
    const all = rig.sampled(suite, seed, from + count);
    for (let i = from; i < from + count && performance.now() < until; i += 1) {
      const { state, steps } = all[i];
      if (steps.length === 0) continue;
      project.take(state.files);
      const wrong = (what) => {
        violations += 1;
        process.stdout.write(
          `VIOLATION ${suite.name} seed ${seed} number ${i}: ${what}\n  ${steps.join('; ')}\n  repeat: npm run mutations -- --suite ${suite.name} --seed ${seed} --from ${i} --count 1\n`,
        );
      };
      const plan = project.coherence(['verify', '--dry-run'], state.env);
      const changed =
        Object.keys(state.env).length > 0
          ? null
          : project.coherence(['verify', '--changed=HEAD', '--dry-run', '--no-cache']);
      here.mutations += 1;
      if (plan.failed !== undefined) {
        // A spec file that became invalid: nothing runs, cached or not.
        here.refused += 1;
        continue;
      }
      const cached = cachedOf(plan);
      const left =
        changed === null || changed.failed !== undefined
          ? []
          : [...selectedOf(plan)].filter((id) => !selectedOf(changed).has(id));
      here.checked += selectedOf(plan).size;
      here.hits += cached.size;
      here.left += left.length;
      // Nothing was taken and nothing was left out: then there is nothing that a run could show to be wrong.
      if (cached.size === 0 && left.length === 0) continue;
      let honest = project.coherence(['verify', '--no-cache'], state.env);
      const differ = (verdicts) => [...cached].filter(([id, verdict]) => verdicts.get(id) !== verdict);
      // On a busy machine a test may time out: what differs has to differ twice.
      if (differ(verdictsOf(honest)).length > 0) honest = project.coherence(['verify', '--no-cache'], state.env);
      const verdicts = verdictsOf(honest);
      for (const [id, verdict] of differ(verdicts))
        wrong(`${id} is ${verdict} from the cache and ${verdicts.get(id)} without it`);
      for (const id of left)
        if (verdicts.get(id) !== 'PASS') wrong(`${id} is ${verdicts.get(id)}, and --changed leaves it out`);
    }
  } finally {
    project.close();
  }
  process.stdout.write(
    `${suite.name}: ${here.mutations} mutations from number ${from} of seed ${seed}; of ${here.checked} verdicts ${here.hits} taken from the cache, ${here.left} left out by --changed; ${here.refused} refused before any run\n`,
  );
  for (const key of Object.keys(totals)) totals[key] += here[key];
}
process.stdout.write(
  `${totals.mutations} mutations, ${totals.hits} verdicts from the cache, ${violations} violations\n`,
);
process.exit(violations === 0 ? 0 : 1);

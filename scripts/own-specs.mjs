/**
 * The product on itself: `coherence verify --all` runs every test that one of its own criteria links. What the product then says is
 * compared with what vitest itself printed, so that a verifier that has gone wrong cannot call itself green.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, say } from './setup.mjs';

const LIMIT = process.env.COHERENCE_OWN_VERIFY ?? '40m';

/** Every vitest's own last words: `Tests  2 failed | 570 passed | 3 skipped (575)`. */
function ownWords(runId) {
  const folder = join(root, '.coherence', 'runs', runId);
  const count = { passed: 0, failed: 0, skipped: 0, unreadable: 0, failures: [] };
  for (const name of readdirSync(folder).filter((file) => /^vitest-.*\.stdout$/.test(file))) {
    // eslint-disable-next-line no-control-regex -- the colours of a terminal
    const lines = readFileSync(join(folder, name), 'utf8')
      .replaceAll(/\u001b\[[0-9;]*m/g, '')
      .split('\n');
    const line = lines.findLast((text) => /^\s*Tests {2}/.test(text));
    count.failures.push(...lines.filter((text) => /^\s*(?:×|FAIL)/.test(text)));
    if (line === undefined) count.unreadable += 1;
    count.passed += Number(/(\d+) passed/.exec(line ?? '')?.[1] ?? 0);
    count.failed += Number(/(\d+) failed/.exec(line ?? '')?.[1] ?? 0);
    count.skipped += Number(/(\d+) skipped/.exec(line ?? '')?.[1] ?? 0);
  }
  return count;
}

/**
 * @param folder where the record and the state of this run go
 * @returns what ran, and how many things are wrong: criteria that FAIL or ERROR, and disagreements with vitest
 */
export function verifyOwnSpecs(folder, env) {
  const file = join(folder, 'verify.json');
  run(
    process.execPath,
    [
      'bin/coherence.cjs',
      'verify',
      '--all',
      '--quiet',
      '--no-cache',
      '--run-timeout',
      LIMIT,
      '--reporter',
      `json:${file}`,
    ],
    { env: { ...env, COHERENCE_STATE_DIR: join(folder, 'state') }, check: false, quiet: true },
  );
  if (!existsSync(file)) return { passed: 0, filtered: false, wrong: 1, skips: [] };
  const record = JSON.parse(readFileSync(file, 'utf8'));
  const criteria = record.specs.flatMap((spec) => spec.criteria);
  const failing = criteria.filter((criterion) => criterion.verdict === 'FAIL' || criterion.verdict === 'ERROR');
  for (const criterion of failing) {
    say(`own criterion ${criterion.id}: ${criterion.verdict}(${criterion.reason}) ${criterion.detail ?? ''}`);
    for (const check of criterion.checks ?? [])
      if (check.verdict !== 'PASS')
        say(
          `  ${check.link}\n${String(check.message ?? check.detail ?? '')
            .split('\n')
            .slice(0, 25)
            .map((line) => `    ${line}`)
            .join('\n')}`,
        );
  }
  const words = ownWords(record.run);
  say(`own specs: ${JSON.stringify(record.summary)}; vitest itself: ${words.passed} passed, ${words.failed} failed`);
  let wrong = failing.length;
  if (words.unreadable > 0 || (words.failed > 0 && failing.length === 0) || words.passed === 0) {
    say(
      words.failed > 0
        ? `vitest had ${words.failed} failing tests, all of them beside the linked ones:\n${words.failures.join('\n')}`
        : 'what vitest printed and what the product says do not agree',
    );
    wrong += 1;
  } else if (words.failed > 0) say(words.failures.join('\n'));
  return {
    passed: words.passed,
    filtered: words.skipped > 0,
    wrong,
    skips: criteria
      .filter((criterion) => criterion.verdict === 'SKIP')
      .map((criterion) => `${criterion.id}: SKIP(${criterion.reason}) ${criterion.detail ?? ''}`),
  };
}

/**
 * What `verify --all` leaves of the real tests: files that it does not run at all, and in the others the tests that its own name
 * filter leaves out (a pattern; null when there is no filter).
 */
export function unlinkedTests(env) {
  const planned = spawnSync(process.execPath, ['bin/coherence.cjs', 'verify', '--all', '--dry-run', '--json'], {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const words = JSON.parse(planned.stdout)
    .batches.filter((batch) => batch.runner === 'vitest')
    .flatMap((batch) => batch.commands.flat());
  const patterns = words
    .filter((word) => word.startsWith('--testNamePattern='))
    .map((word) => word.slice('--testNamePattern='.length));
  const linked = new Set(words.filter((word) => word.endsWith('.test.ts')).map((word) => word.replace(/^\.\//, '')));
  const files = readdirSync(join(root, 'test'), { recursive: true })
    .map((name) => `test/${name}`)
    .filter((name) => name.endsWith('.real.test.ts') || (name.startsWith('test/e2e/') && name.endsWith('.test.ts')));
  return {
    files: files.filter((file) => !linked.has(file)).sort(),
    linked: files.filter((file) => linked.has(file)).sort(),
    pattern: patterns.length === 1 ? `^(?!${patterns[0].replace(/^\^/, '')})` : null,
  };
}

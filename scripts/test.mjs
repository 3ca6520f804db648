/**
 * README's second command: everything that must hold. With CI=true every back end must be there: what is missing is installed by
 * the project's own scripts, or the run fails. Elsewhere a missing back end is a SKIP with its reason.
 * Ends with one line: `N passed, N failed, N skipped`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leftRunning, runningOfOurs } from './leaks.mjs';
import { unlinkedTests, verifyOwnSpecs } from './own-specs.mjs';
import { pushThroughOwnGate } from './own-gate.mjs';
import { buildProduct, installPackages, pythonWithPytest, root, run, say, withPath } from './setup.mjs';

const ci = process.env.CI === 'true';
const onlyUnit = process.argv.includes('--unit');
const started = Date.now();
let failed = 0;
const step = (name, code) => {
  if (code !== 0) {
    failed += 1;
    say(`${name}: failed (${code})`);
  } else say(`${name}: ok (${Math.round((Date.now() - started) / 1000)} s so far)`);
};
const node = (args, options = {}) => run(process.execPath, args, { check: false, ...options });
const bin = (name) => join(root, 'node_modules', '.bin', name);

installPackages(root);
// Before the build: the observer is compiled by it.
if (ci && !onlyUnit && node(['scripts/packages.mjs', 'install']) !== 0) {
  say('packages of the system that tests need could not be installed, and CI=true wants every back end');
  failed += 1;
}
buildProduct();
const python = pythonWithPytest();
let env = { ...withPath(python), FORCE_COLOR: '0' };

if (!onlyUnit) {
  for (const [name, script] of [
    ['Dolt', 'scripts/dolt.mjs'],
    ['Docker', 'scripts/dockerd.mjs'],
  ]) {
    if (!existsSync(join(root, script))) continue;
    const code = node([script, 'install'], { env });
    if (code !== 0 && ci) {
      say(`${name} could not be installed, and CI=true wants every back end`);
      failed += 1;
    } else if (code !== 0) say(`${name} is not here: its tests will be skipped`);
  }
}

step('types', node([join(root, 'node_modules/typescript-7/bin/tsc'), '-p', 'tsconfig.json']));
step('lint', run(bin('oxlint'), ['src', 'test', 'scripts', 'bin', 'bench'], { check: false }));
step(
  'floating promises',
  run(
    bin('oxlint'),
    [
      '--type-aware',
      '-A',
      'all',
      '-D',
      'typescript/no-floating-promises',
      '-D',
      'typescript/no-misused-promises',
      'src',
    ],
    { check: false },
  ),
);
step('dependency rules', run(bin('depcruise'), ['--config', '.dependency-cruiser.mjs', 'src'], { check: false }));
step('own specs: check', node(['bin/coherence.cjs', 'check', '--quiet'], { env }));

const report = mkdtempSync(join(tmpdir(), 'coherence-test-'));
const count = { passed: 0, failed: 0, skipped: 0 };
/** Plain vitest on one of the two projects, its numbers added to the count. */
function vitest(project, { files = [], pattern = null } = {}) {
  const file = join(report, `${project}.json`);
  const filter = [...(pattern === null ? [] : [`--testNamePattern=${pattern}`]), ...files];
  const code = node(
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--project',
      project,
      ...filter,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ],
    { env },
  );
  const result = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  if (result === null) failed += 1;
  else {
    count.passed += result.numPassedTests;
    count.failed += result.numFailedTests;
    // What a filter leaves out has run already: only what a test says of itself is a skip.
    if (pattern === null) count.skipped += result.numPendingTests + result.numTodoTests;
    if (code !== 0 && result.numFailedTests === 0) failed += 1;
  }
  say(`${project} tests: exit ${code} (${Math.round((Date.now() - started) / 1000)} s so far)`);
}

vitest('unit');
if (!onlyUnit) {
  const leftBefore = runningOfOurs();
  // Most real tests verify a criterion of the product: they run through the product, and the others after it by themselves.
  const own = verifyOwnSpecs(report, env);
  count.passed += own.passed;
  failed += own.wrong;
  count.skipped += own.skips.length;
  const status = readFileSync(join(root, 'docs', 'status.md'), 'utf8');
  for (const skip of own.skips) {
    say(`own criterion ${skip}`);
    if (ci && !status.includes(skip.split(':')[0])) {
      say('  this SKIP is not listed in docs/status.md');
      failed += 1;
    }
  }
  say(`own specs: verified (${Math.round((Date.now() - started) / 1000)} s so far)`);
  const { files, linked, pattern } = unlinkedTests(env);
  if (files.length > 0) vitest('real', { files });
  if (own.filtered && pattern !== null && linked.length > 0) vitest('real', { files: linked, pattern });
  const refused = pushThroughOwnGate(say);
  for (const line of refused) say(`own gate: ${line}`);
  step('own gate on real pushes', refused.length === 0 ? 0 : 1);
  step('nothing is left running', await leftRunning(leftBefore));
}
rmSync(report, { recursive: true, force: true });

process.stdout.write(`\n${count.passed} passed, ${count.failed + failed} failed, ${count.skipped} skipped\n`);
process.exit(count.failed + failed === 0 ? 0 : 1);

/**
 * README's second command: everything that must hold. With CI=true every back end must be there: what is missing is installed by
 * the project's own scripts, or the run fails. Elsewhere a missing back end is a SKIP with its reason.
 * Ends with one line: `N passed, N failed, N skipped`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
buildProduct();
const python = pythonWithPytest();
let env = { ...withPath(python), FORCE_COLOR: '0' };

if (!onlyUnit) {
  for (const [name, script] of [['Dolt', 'scripts/dolt.mjs'], ['Docker', 'scripts/dockerd.mjs']]) {
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
step('floating promises', run(bin('oxlint'), ['--type-aware', '-A', 'all', '-D', 'typescript/no-floating-promises', '-D', 'typescript/no-misused-promises', 'src'], { check: false }));
step('dependency rules', run(bin('depcruise'), ['--config', '.dependency-cruiser.mjs', 'src'], { check: false }));
step('own specs: check', node(['bin/coherence.mjs', 'check', '--quiet'], { env }));

const report = mkdtempSync(join(tmpdir(), 'coherence-test-'));
const count = { passed: 0, failed: 0, skipped: 0 };
for (const project of onlyUnit ? ['unit'] : ['unit', 'real']) {
  const file = join(report, `${project}.json`);
  const code = node([join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`], { env });
  const result = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  if (result === null) failed += 1;
  else {
    count.passed += result.numPassedTests;
    count.failed += result.numFailedTests;
    count.skipped += result.numPendingTests + result.numTodoTests;
    if (code !== 0 && result.numFailedTests === 0) failed += 1;
  }
  say(`${project} tests: exit ${code} (${Math.round((Date.now() - started) / 1000)} s so far)`);
}

if (!onlyUnit) {
  // The product on itself. Its tests have just run above; here they run again through it, for as long as there is time.
  const file = join(report, 'verify.json');
  node(['bin/coherence.mjs', 'verify', '--all', '--quiet', '--run-timeout', process.env.COHERENCE_OWN_VERIFY ?? '8m', '--reporter', `json:${file}`], { env: { ...env, COHERENCE_STATE_DIR: join(report, 'state') }, quiet: true });
  const record = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  const criteria = record === null ? [] : record.specs.flatMap((spec) => spec.criteria);
  const failing = criteria.filter((criterion) => criterion.verdict === 'FAIL');
  for (const criterion of failing) say(`own criterion ${criterion.id} FAIL(${criterion.reason}) ${criterion.detail ?? ''}`);
  if (record !== null) say(`own specs: ${JSON.stringify(record.summary)}`);
  // Reported, not yet a condition: it has to be seen to hold in CI once before it may block.
  say(`own specs: verify --all: ${record === null ? 'no record' : `${failing.length} FAIL`}`);
}
rmSync(report, { recursive: true, force: true });
if (!onlyUnit && node(['scripts/leaks.mjs'], { env }) !== 0) say('something was left running (see above); reported, not yet a condition');

process.stdout.write(`\n${count.passed} passed, ${count.failed + failed} failed, ${count.skipped} skipped\n`);
process.exit(count.failed + failed === 0 ? 0 : 1);

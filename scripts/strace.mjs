/**
 * `node scripts/strace.mjs install`: strace, the oracle of the observer's tests, from the system's packages where it is missing.
 * Also wants a C compiler, which the observer is built with. Exit 0 when both are there.
 */
import { run } from './setup.mjs';

const has = (program) => run(program, ['--version'], { check: false, quiet: true }) === 0;
const missing = [...(has('strace') ? [] : ['strace']), ...(has('cc') ? [] : ['gcc', 'libc6-dev'])];
// Only where CI wants every back end, or a person asked for it, is the machine changed.
if (missing.length > 0 && process.env.CI === 'true') {
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const packages = (...args) => {
    const [program, ...rest] = [...asRoot, 'apt-get', ...args];
    return run(program, rest, { check: false });
  };
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  // The lists of packages may be missing or old on a fresh machine.
  if (packages(...install) !== 0 && packages('update') === 0) packages(...install);
}
process.exit(has('strace') && has('cc') ? 0 : 1);

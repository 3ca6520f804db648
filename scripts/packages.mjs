/**
 * `node scripts/packages.mjs install`: what tests need from the system's packages, where it is missing: strace (the oracle of the
 * observer), a C compiler (the observer is built with it), Chromium (pages are looked at) and faketime (a clock that jumps).
 * Only with CI=true is the machine changed. Exit 0 when all of it is there, else 1 with a line for each that is not.
 */
import { existsSync } from 'node:fs';
import { run } from './setup.mjs';

const answers = (program) => run(program, ['--version'], { check: false, quiet: true }) === 0;
const NEEDS = [
  { what: 'strace', isThere: () => answers('strace'), packages: ['strace'] },
  { what: 'a C compiler', isThere: () => answers('cc'), packages: ['gcc', 'libc6-dev'] },
  {
    what: 'Chromium',
    isThere: () => ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].some(existsSync),
    packages: ['chromium'],
  },
  {
    what: 'faketime',
    isThere: () =>
      ['x86_64', 'aarch64'].some((machine) => existsSync(`/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)),
    packages: ['libfaketime'],
  },
];

const missing = () => NEEDS.filter((need) => !need.isThere());
const wanted = missing().flatMap((need) => need.packages);
if (wanted.length > 0 && process.env.CI === 'true') {
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const packages = (...args) => {
    const [program, ...rest] = [...asRoot, 'apt-get', ...args];
    return run(program, rest, { check: false });
  };
  const install = ['install', '-y', '--no-install-recommends', ...wanted];
  // The lists of packages may be missing or old on a fresh machine.
  if (packages(...install) !== 0 && packages('update') === 0) packages(...install);
}
for (const need of missing()) process.stderr.write(`${need.what} is missing\n`);
process.exit(missing().length === 0 ? 0 : 1);

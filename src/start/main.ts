/**
 * The first code of every process of this product: finds the program's bundle beside itself and loads it with the code cache.
 * Small on purpose. It is compiled anew at every start, the bundles are not.
 */
import { join } from 'node:path';
import { loadCompiled } from '../util/code-cache.js';
import { optimiseLate } from '../util/optimise-late.js';

const PROGRAMS = ['cli', 'daemon', 'worker', 'warm-worker'] as const;
export type ProgramName = (typeof PROGRAMS)[number];

/** What a bundle exports: `main` runs it as a process. */
export interface Program {
  main(argv: readonly string[], prefix?: readonly string[]): Promise<void>;
}

/** The exports of a program's bundle. `argv`: its words; the first that is no option names the command, whose functions the cache keeps. */
export function program(name: ProgramName, argv: readonly string[] = []): Program {
  // A worker is a process for one run; the daemon and a warm worker stay.
  if (name === 'cli' || name === 'worker') optimiseLate();
  const purpose = name === 'cli' ? (argv.find((word) => /^[a-z][a-z-]*$/u.test(word)) ?? '') : name;
  // A bundle of the same build.
  return loadCompiled(join(__dirname, `${name}.cjs`), purpose) as Program;
}

if (require.main === module) {
  const [name, ...argv] = process.argv.slice(2);
  const known = PROGRAMS.find((candidate) => candidate === name);
  if (known === undefined) process.exitCode = 64;
  else void program(known, argv).main(argv);
}

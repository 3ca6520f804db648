/**
 * The first code of every process of this product: finds the program's bundle beside itself and loads it with the code cache.
 * Small on purpose. It is compiled anew at every start, the bundles are not.
 */
import { join } from 'node:path';
import { codeCacheFolder, loadCompiled } from '../util/code-cache.js';

export type ProgramName = 'cli' | 'daemon' | 'worker' | 'warm-worker';

/** What a bundle exports: `main` runs it as a process. */
export interface Program {
  main(argv: readonly string[], prefix?: readonly string[]): Promise<void>;
}

const PROGRAMS: readonly string[] = ['cli', 'daemon', 'worker', 'warm-worker'] satisfies ProgramName[];

/** The exports of a program's bundle. `argv`: its words; the first that is no option names the command, whose functions the cache keeps. */
export function program(name: ProgramName, argv: readonly string[] = []): Program {
  const purpose = name === 'cli' ? (argv.find((word) => /^[a-z][a-z-]*$/u.test(word)) ?? '') : name;
  // A bundle of the same build.
  return loadCompiled(join(__dirname, `${name}.cjs`), purpose, codeCacheFolder(process.env)) as Program;
}

if (require.main === module) {
  const [name = '', ...argv] = process.argv.slice(2);
  // The name is checked on this line.
  if (PROGRAMS.includes(name)) void program(name as ProgramName, argv).main(argv);
  else process.exitCode = 64;
}

/**
 * Words that stand before a program and start it: wrappers of the shell, runners of package managers and environments,
 * tools that measure what they start. Behind them stands the program that a line is about.
 */
import type { Word } from './shell-words.js';

/** Start the program whose name follows their options. */
const PLAIN = new Set([
  'exec',
  'command',
  'time',
  'nice',
  'ionice',
  'nohup',
  'sudo',
  'env',
  'stdbuf',
  'setsid',
  'xvfb-run',
  'chronic',
  'unbuffer',
  'strace',
  'ltrace',
  'taskset',
  'faketime',
  'caffeinate',
  'busybox',
  'nyc',
  'c8',
  'cross-env',
  'cross-env-shell',
  'dotenv',
  'env-cmd',
  'timeout',
  'npx',
  'bunx',
  'pnpx',
  'uvx',
  'xargs',
  'watch',
  'flock',
]);

/** The same, with words of their own in front. */
const WITH_WORDS: readonly (readonly string[])[] = [
  ['pnpm', 'exec'],
  ['pnpm', 'dlx'],
  ['npm', 'exec'],
  ['npm', 'x'],
  ['yarn', 'exec'],
  ['yarn', 'run'],
  ['yarn', 'dlx'],
  ['yarn', 'node'],
  ['bun', 'x'],
  ['bun', 'run'],
  ['uv', 'run'],
  ['poetry', 'run'],
  ['pipenv', 'run'],
  ['pdm', 'run'],
  ['hatch', 'run'],
  ['rye', 'run'],
  ['pixi', 'run'],
  ['conda', 'run'],
  ['mamba', 'run'],
  ['micromamba', 'run'],
  ['pipx', 'run'],
  ['bundle', 'exec'],
  ['mise', 'exec'],
  ['mise', 'x'],
  ['asdf', 'exec'],
  ['direnv', 'exec'],
  ['dotenvx', 'run'],
  ['doppler', 'run'],
  ['op', 'run'],
  ['docker', 'run'],
  ['docker', 'exec'],
  ['podman', 'run'],
  ['podman', 'exec'],
  ['docker', 'compose', 'run'],
  ['docker', 'compose', 'exec'],
  ['docker-compose', 'run'],
  ['docker-compose', 'exec'],
  ['kubectl', 'exec'],
  ['nix', 'develop'],
  ['nix', 'shell'],
];

/** Package managers that also start a program of that name themselves; looked at last. */
const MANAGERS: readonly (readonly string[])[] = [['yarn'], ['pnpm']];

const KEYWORDS = new Set(['if', 'then', 'elif', 'else', 'do', 'while', 'until', '!', '{']);

/** Take a word of their own before the program: a duration, a lock file, a mask. */
const WITH_POSITIONAL = new Set(['timeout', 'flock', 'taskset', 'direnv', 'faketime', 'conda']);

export const baseName = (program: string): string => program.slice(program.lastIndexOf('/') + 1);
const isAssignment = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*\+?=/.test(text);

/** How many words at `at` are a launcher; 0 when none is. */
function launcherAt(words: readonly Word[], at: number): number {
  const text = (index: number): string => words[index]?.text ?? '';
  const first = baseName(text(at));
  const found = [...WITH_WORDS, ...MANAGERS].find((candidate) =>
    candidate.every((part, index) => (index === 0 ? first : text(at + index)) === part),
  );
  return found?.length ?? (PLAIN.has(first) ? 1 : 0);
}

export interface Peeled {
  /** Where a program may stand, the likeliest first: a word behind an option may be its value or the program. */
  readonly programs: readonly number[];
  /** Where launchers stand that were passed on the way. */
  readonly launchers: readonly number[];
}

/** Passes assignments, keywords and launchers with their options. Which options take a value is not known, and need not be. */
export function peelLaunchers(words: readonly Word[]): Peeled {
  const programs: number[] = [];
  const launchers: number[] = [];
  const text = (index: number): string => words[index]?.text ?? '';
  const visited = new Set<number>();
  const peel = (start: number): void => {
    let at = start;
    while (KEYWORDS.has(text(at)) || isAssignment(text(at))) at += 1;
    if (at >= words.length || visited.has(at)) return;
    visited.add(at);
    const launcher = launcherAt(words, at);
    if (launcher === 0) {
      programs.push(at);
      return;
    }
    launchers.push(at);
    let spare = WITH_POSITIONAL.has(baseName(text(at))) ? 1 : 0;
    for (let next = at + launcher; next < words.length; next += 1) {
      if (text(next).startsWith('-')) continue;
      peel(next);
      const isValue = text(next - 1).startsWith('-') && next - 1 >= at + launcher && text(next - 1) !== '--';
      if (!isValue && spare === 0) return;
      if (!isValue) spare -= 1;
    }
  };
  peel(0);
  return { programs, launchers };
}

/**
 * How a team starts its test runner: the package scripts around a file, nearest package first, `test` before the others. The
 * configuration, flags, variables and folder that they name are the truth about the file. Read as data; nothing is executed.
 */
import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { simpleCommands } from './command/shell-words.js';
import { ancestors } from './layout.js';

/** One command of a script that starts a program. */
export interface ScriptStart {
  /** `packages/ui/package.json: test`. */
  readonly script: string;
  /** Where the program starts, relative to the project's root; '' is the root. */
  readonly folder: string;
  /** Variables set in front of it. */
  readonly env: Readonly<Record<string, string>>;
  /** Its words, the program first. */
  readonly words: readonly string[];
}

const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s;
const MAX_DEPTH = 4;

async function scriptsOf(root: string, folder: string): Promise<readonly (readonly [name: string, text: string])[]> {
  const text = await readFile(join(root, folder, 'package.json'), 'utf8').catch(() => null);
  if (text === null) return [];
  try {
    const manifest = JSON.parse(text) as { scripts?: unknown } | null; // each member is checked below
    const scripts = manifest?.scripts;
    if (typeof scripts !== 'object' || scripts === null) return [];
    const rank = (name: string): number => (name === 'test' ? 0 : name.startsWith('test') ? 1 : 2);
    return Object.entries(scripts)
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      .toSorted(([left], [right]) => rank(left) - rank(right));
  } catch {
    return [];
  }
}

/** Commands of a line that start the program; a word that is a line itself (`glob -c "tsx --test"`) is read as one. */
export function startsIn(
  line: string,
  base: string,
  programAt: (words: readonly string[]) => number,
  depth = 0,
): Omit<ScriptStart, 'script'>[] {
  let folder = base;
  return simpleCommands(line).flatMap((words) => {
    const texts = words.map((word) => word.text);
    if (texts[0] === 'cd' && texts[1] !== undefined) folder = posix.join(folder, texts[1]);
    const at = programAt(texts);
    if (at === -1)
      return depth >= MAX_DEPTH
        ? []
        : texts.filter((text) => text.includes(' ')).flatMap((text) => startsIn(text, folder, programAt, depth + 1));
    const env = Object.fromEntries(
      texts.slice(0, at).flatMap((text): [string, string][] => {
        const [, name, value] = ASSIGNMENT.exec(text) ?? [];
        // What only a shell can tell is left to the environment that is there.
        return name === undefined || value === undefined || value.includes('$') ? [] : [[name, value]];
      }),
    );
    return [{ folder: folder === '.' ? '' : folder, env, words: texts.slice(at) }];
  });
}

/**
 * The starts of the nearest package around a file whose scripts start the program at all.
 * @param programAt index of the program among a command's words, or -1
 */
export async function scriptStarts(
  root: string,
  file: string,
  programAt: (words: readonly string[]) => number,
): Promise<readonly ScriptStart[]> {
  for (const folder of ancestors(file)) {
    const found = (await scriptsOf(root, folder)).flatMap(([name, text]) =>
      startsIn(text, folder, programAt)
        .filter((start) => !start.folder.startsWith('..'))
        .map((start) => ({ script: `${posix.join(folder, 'package.json')}: ${name}`, ...start })),
    );
    if (found.length > 0) return found;
  }
  return [];
}

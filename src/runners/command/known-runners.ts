/**
 * Which test runners a line of shell starts. Their exit code alone is never believed: `cargo test name` that matches
 * nothing exits 0. Where a runner can be asked for a report by more words on its own command, `insertAt` says where.
 */
import { baseName, peelLaunchers } from './launchers.js';
import { runnerOf, type ReportKind } from './runner-names.js';
import { simpleCommands, type Word } from './shell-words.js';

export type { ReportKind } from './runner-names.js';

export interface KnownRunner {
  /** As a person knows it: `pytest`, `cargo test`, `jest`. */
  readonly name: string;
  /** Null: it has no report that we could ask for. */
  readonly report: ReportKind | null;
  /** Offset in the line where words that ask for the report belong; null where the command stands inside another word. */
  readonly insertAt: number | null;
}

/** Their own arguments end where the command begins, and only the image or the environment tells where. */
const BOXES = new Set(['docker', 'podman', 'docker-compose', 'kubectl', 'conda', 'mamba', 'micromamba', 'nix']);

/** The words that may be a program: behind launchers, and anywhere behind those whose own arguments end nobody knows where. */
function programsIn(words: readonly Word[]): readonly number[] {
  const { programs, launchers } = peelLaunchers(words);
  const box = launchers.find((launcher) => BOXES.has(baseName(words[launcher]?.text ?? '')));
  return box === undefined ? programs : [...programs, ...words.map((_word, at) => at).filter((at) => at > box)];
}

function identify(words: readonly Word[]): KnownRunner | null {
  for (const at of programsIn(words)) {
    const found = runnerOf(words.slice(at).map((word) => word.text));
    if (found === null) continue;
    const after = words[at + found.word]?.end ?? null;
    return {
      name: found.name,
      report: found.report,
      insertAt: found.report === null || found.report === 'pytest' ? null : after,
    };
  }
  return null;
}

/** The text that `sh -c TEXT` or `eval TEXT` would run, if the command is one of these. */
function shellText(words: readonly Word[]): string | null {
  for (const place of programsIn(words)) {
    const program = baseName(words[place]?.text ?? '');
    const rest = words.slice(place + 1);
    if (program === 'eval') return rest.map((word) => word.text).join(' ');
    if (!/^(?:ba|da|z|k|a)?sh$/.test(program)) continue;
    const option = rest.findIndex((word) => /^-[a-z]*c$/.test(word.text));
    if (option !== -1) return rest[option + 1]?.text ?? null;
  }
  return null;
}

/** All simple commands of a line, those inside quotes of `sh -c` and substitutions too; `isInner` for those. */
export function allCommands(
  line: string,
  depth = 0,
): readonly { readonly words: readonly Word[]; readonly isInner: boolean }[] {
  if (depth > 4) return [];
  const inner = (text: string) => allCommands(text, depth + 1).map((item) => ({ ...item, isInner: true }));
  return simpleCommands(line).flatMap((words) => {
    const text = shellText(words);
    return [
      { words, isInner: false },
      ...(text === null ? [] : inner(text)),
      ...words.flatMap((word) => word.inner.flatMap(inner)),
    ];
  });
}

/** All known test runners that a line starts, outermost first. Those inside quotes or substitutions have no `insertAt`. */
export const knownRunners = (line: string): readonly KnownRunner[] =>
  allCommands(line).flatMap(({ words, isInner }) => {
    const found = identify(words);
    return found === null ? [] : [isInner ? { ...found, insertAt: null } : found];
  });

/** The line with words put in at their offsets. */
export function withInsertions(
  line: string,
  insertions: readonly { readonly at: number; readonly words: string }[],
): string {
  let result = line;
  for (const { at, words } of [...insertions].sort((left, right) => right.at - left.at))
    result = `${result.slice(0, at)} ${words}${result.slice(at)}`;
  return result;
}

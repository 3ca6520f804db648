/** The git merge driver for spec files: the same merge by field that `sync` uses. Needs no project, store or network. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  editSpecText,
  formatSpec,
  mergeCatalogs,
  parseSpecText,
  sameSpec,
  type Conflict,
  type Side,
} from '../catalog/index.js';
import type { Catalog, Spec } from '../model/index.js';
import { exists, writeAtomically } from '../util/files.js';
import { git } from '../util/git.js';

export interface FileMerge {
  readonly text: string;
  readonly conflicts: readonly Conflict[];
  /** False when a side could not be read as a spec, so that lines were merged instead. */
  readonly byField: boolean;
}

/** Merges three texts of one spec file. With conflicts the text has git's markers around exactly the fields in question. */
export function mergeTexts(base: string, ours: string, theirs: string, file = 'specs/merged.yaml'): FileMerge {
  if (ours === theirs) return { text: ours, conflicts: [], byField: true };
  const [o, a, b] = [base, ours, theirs].map((text) => (text.trim() === '' ? null : parseSpecText(text, file)));
  if (
    a === undefined ||
    a === null ||
    !a.ok ||
    b === undefined ||
    b === null ||
    !b.ok ||
    (o !== undefined && o !== null && !o.ok) ||
    a.value.id !== b.value.id
  ) {
    return { text: marked(ours, theirs), conflicts: [], byField: false };
  }
  const only = (spec: Spec | undefined): Catalog => ({ specs: spec === undefined ? [] : [spec] });
  const sides = [only(o?.value), only(a.value), only(b.value)] as const;
  const merged = (prefer?: Side): { readonly text: string; readonly conflicts: readonly Conflict[] } => {
    const merge = mergeCatalogs(...sides, prefer);
    const spec = merge.merged.specs[0];
    return { text: spec === undefined ? ours : written(ours, file, a.value, spec), conflicts: merge.conflicts };
  };
  const whole = merged();
  if (whole.conflicts.length === 0) return { text: whole.text, conflicts: [], byField: true };
  return { text: marked(merged('ours').text, merged('theirs').text), conflicts: whole.conflicts, byField: true };
}

/** Our text with the merged content: comments and order of ours stay. */
function written(text: string, file: string, current: Spec, next: Spec): string {
  if (sameSpec(current, next)) return text;
  const edited = editSpecText(text, file, next);
  return edited.ok ? edited.value : formatSpec(next);
}

const LARGEST_TABLE = 4_000_000;

/** Both texts in one, with conflict markers around what differs. */
export function marked(ours: string, theirs: string): string {
  const [a, b] = [ours, theirs].map((text) => text.replace(/\n$/, '').split('\n')) as [string[], string[]];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const hunk = (left: readonly string[], right: readonly string[]): string[] =>
    left.length + right.length === 0 ? [] : ['<<<<<<< ours', ...left, '=======', ...right, '>>>>>>> theirs'];
  const lines = [...a.slice(0, start)];
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (x.length * y.length > LARGEST_TABLE) lines.push(...hunk(x, y));
  else {
    let [left, right]: [string[], string[]] = [[], []];
    for (const step of commonLines(x, y)) {
      if (step.kind === 'left') left.push(step.line);
      else if (step.kind === 'right') right.push(step.line);
      else {
        lines.push(...hunk(left, right), step.line);
        [left, right] = [[], []];
      }
    }
    lines.push(...hunk(left, right));
  }
  return `${[...lines, ...a.slice(a.length - end)].join('\n')}\n`;
}

type Step = { readonly kind: 'left' | 'right' | 'both'; readonly line: string };

/** A longest common subsequence of lines, as steps through both lists. */
function commonLines(left: readonly string[], right: readonly string[]): Step[] {
  const table = Array.from({ length: left.length + 1 }, () => new Uint32Array(right.length + 1));
  const at = (i: number, j: number): number => table[i]?.[j] ?? 0;
  for (let i = left.length - 1; i >= 0; i -= 1) {
    const row = table[i];
    if (row === undefined) continue;
    for (let j = right.length - 1; j >= 0; j -= 1)
      row[j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const steps: Step[] = [];
  for (let i = 0, j = 0; i < left.length || j < right.length;) {
    const [x, y] = [left[i], right[j]];
    if (x !== undefined && x === y) {
      steps.push({ kind: 'both', line: x });
      i += 1;
      j += 1;
    } else if (x !== undefined && (y === undefined || at(i + 1, j) >= at(i, j + 1))) {
      steps.push({ kind: 'left', line: x });
      i += 1;
    } else if (y !== undefined) {
      steps.push({ kind: 'right', line: y });
      j += 1;
    }
  }
  return steps;
}

/** Merges files as git hands them over: the result replaces `ours`. Resolves to git's exit code: 0 merged, 1 conflict. */
export async function mergeFiles(
  base: string,
  ours: string,
  theirs: string,
): Promise<{ readonly code: 0 | 1; readonly merge: FileMerge }> {
  const [o, a, b] = (await Promise.all([base, ours, theirs].map(async (path) => readFile(path, 'utf8')))) as [
    string,
    string,
    string,
  ];
  const merge = mergeTexts(o, a, b);
  await writeFile(ours, merge.text);
  return { code: merge.conflicts.length === 0 && merge.byField ? 0 : 1, merge };
}

const ATTRIBUTES = 'specs/**/*.yaml merge=coherence';

/**
 * Sets the driver up for a clone: a line in .gitattributes (shared) and two settings in git's local configuration.
 * `command` is how to call this program from git. Resolves to whether anything was changed; false outside git.
 */
export async function installMergeDriver(root: string, command: readonly string[] = ['coherence']): Promise<boolean> {
  const inside = await git(root, ['rev-parse', '--git-dir']);
  if (!inside.ok) return false;
  const path = join(root, '.gitattributes');
  const text = (await exists(path)) ? await readFile(path, 'utf8') : '';
  let changed = false;
  if (!text.split(/\r?\n/).some((line) => /^specs\/\S*\s.*merge=/.test(line))) {
    await writeAtomically(path, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${ATTRIBUTES}\n`);
    changed = true;
  }
  const quoted = command
    .map((word) => (/^[A-Za-z0-9_./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
  for (const [key, value] of [
    ['merge.coherence.name', 'field-wise merge of specs'],
    ['merge.coherence.driver', `${quoted} merge-file %O %A %B`],
  ] as const) {
    const present = await git(root, ['config', '--local', '--get', key]);
    if (present.stdout.trim() === value) continue;
    await git(root, ['config', '--local', key, value]);
    changed = true;
  }
  return changed;
}

/** The git merge driver for spec files: the same merge by field that `sync` uses. Needs no project, store or network. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  commentsIn,
  decodeUtf8,
  editSpecText,
  formatSpec,
  mergeCatalogs,
  parseSpecText,
  sameSpec,
  type Conflict,
  type Side,
} from '../../catalog/index.js';
import { failure, success, type Catalog, type Result, type Spec } from '../../model/index.js';
import { exists, writeAtomically } from '../../util/files.js';
import { git } from '../../util/git.js';
import { marked, mergeLines } from './merge-lines.js';

export interface FileMerge {
  readonly text: string;
  readonly conflicts: readonly Conflict[];
  /** False when a side could not be read as a spec, so that lines were merged instead. */
  readonly byField: boolean;
}

/**
 * Merges three texts of one spec file. With conflicts the text has git's markers around exactly the fields in question. Comments of
 * both sides are kept, or it is a conflict about the field `comments`.
 */
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
  const merged = (prefer?: Side): Merged => {
    const merge = mergeCatalogs(...sides, prefer);
    const spec = merge.merged.specs[0];
    const on = (text: string, current: Spec): string =>
      spec === undefined ? text : written(text, file, current, spec);
    return { spec, conflicts: merge.conflicts, onOurs: on(ours, a.value), onTheirs: on(theirs, b.value) };
  };
  const keeps = keepsComments(base, ours, theirs);
  const whole = merged();
  if (whole.conflicts.length === 0) return mergedText({ base, ours, theirs, file }, whole, keeps);
  const [left, right] = [merged('ours'), merged('theirs')];
  const exact = marked(left.onOurs, right.onOurs);
  const text = keeps(exact) ? exact : marked(left.onOurs, right.onTheirs);
  return { text, conflicts: whole.conflicts, byField: true };
}

interface Merged {
  readonly spec: Spec | undefined;
  readonly conflicts: readonly Conflict[];
  /** The merged content written into either side's text. */
  readonly onOurs: string;
  readonly onTheirs: string;
}
interface Texts {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
  readonly file: string;
}

/**
 * The text for content that both sides agree on. What is no content (comments) must agree, too: by lines where that gives the same
 * content, else in the text of the side that has all comments, else the sides stand beside each other as a conflict.
 */
function mergedText({ base, ours, theirs, file }: Texts, whole: Merged, keeps: (text: string) => boolean): FileMerge {
  const byLines = mergeLines(base, ours, theirs);
  const read = byLines === null ? null : parseSpecText(byLines, file);
  const isSame = read?.ok === true && whole.spec !== undefined && sameSpec(read.value, whole.spec);
  const text = [...(byLines !== null && isSame ? [byLines] : []), whole.onOurs, whole.onTheirs].find(keeps);
  if (text !== undefined) return { text, conflicts: [], byField: true };
  const said = (side: string): string => commentsIn(side).join('\n');
  const comments = { field: 'comments', base: said(base), ours: said(ours), theirs: said(theirs) };
  return {
    text: marked(whole.onOurs, whole.onTheirs),
    conflicts: [{ spec: whole.spec?.id ?? '', ...comments }],
    byField: true,
  };
}

const counts = (items: readonly string[]): ReadonlyMap<string, number> => {
  const seen = new Map<string, number>();
  for (const item of items) seen.set(item, (seen.get(item) ?? 0) + 1);
  return seen;
};

/** Whether a text has every comment that a side added, and every one that neither took away. */
function keepsComments(base: string, ours: string, theirs: string): (text: string) => boolean {
  const [o, a, b] = [base, ours, theirs].map((text) => counts(commentsIn(text)));
  const all = new Set([o, a, b].flatMap((side) => [...(side?.keys() ?? [])]));
  const needed = [...all].map((comment) => {
    const [before, mine, other] = [o, a, b].map((side) => side?.get(comment) ?? 0) as [number, number, number];
    // Added by a side: as many as the side that has most. Else as many as the side that has least.
    return [comment, Math.max(mine, other) > before ? Math.max(mine, other) : Math.min(mine, other)] as const;
  });
  return (text) => {
    const there = counts(commentsIn(text));
    return needed.every(([comment, count]) => (there.get(comment) ?? 0) >= count);
  };
}

/** A side's text with the merged content: its comments and order stay. */
function written(text: string, file: string, current: Spec, next: Spec): string {
  if (sameSpec(current, next)) return text;
  const edited = editSpecText(text, file, next);
  return edited.ok ? edited.value : formatSpec(next);
}

/**
 * Merges files as git hands them over: the result replaces `ours`. Resolves to git's exit code: 0 merged, 1 conflict. Failure: a side
 * that is no UTF-8, with nothing written; the driver's line then lets git merge the lines, which keeps every byte.
 */
export async function mergeFiles(
  base: string,
  ours: string,
  theirs: string,
): Promise<Result<{ readonly code: 0 | 1; readonly merge: FileMerge }>> {
  const read = async (path: string): Promise<Result<string>> => decodeUtf8(await readFile(path), path);
  const [o, a, b] = [await read(base), await read(ours), await read(theirs)];
  if (!o.ok || !a.ok || !b.ok) return failure(...[o, a, b].flatMap((side) => (side.ok ? [] : side.failures)));
  const merge = mergeTexts(o.value, a.value, b.value);
  await writeFile(ours, merge.text);
  return success({ code: merge.conflicts.length === 0 && merge.byField ? 0 : 1, merge });
}

const ATTRIBUTES = 'specs/**/*.yaml merge=coherence';

export interface MergeDriver {
  /** False outside git, and where everything was set. */
  readonly changed: boolean;
  /** What is set in this clone, a sentence each; empty outside git. */
  readonly settings: readonly string[];
}

/**
 * The line for git's configuration. Whatever keeps the program from answering "merged" or "conflict" (it is not installed, Node is
 * too old, it breaks off) must not leave only our side without a mark: then git's own merge of lines does the work.
 */
export const driverLine = (command: readonly string[]): string => {
  const program = command
    .map((word) => (/^[A-Za-z0-9_./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
  return `${program} merge-file %O %A %B; code=$?; test $code -le 1 && exit $code; git merge-file -L ours -L base -L theirs %A %O %B`;
};

/**
 * Sets the driver up for a clone: a line in .gitattributes (shared) and two settings in git's local configuration.
 * `command` is how to call this program from git.
 */
export async function installMergeDriver(
  root: string,
  command: readonly string[] = ['coherence'],
): Promise<MergeDriver> {
  const inside = await git(root, ['rev-parse', '--git-dir']);
  if (!inside.ok) return { changed: false, settings: [] };
  const path = join(root, '.gitattributes');
  const text = (await exists(path)) ? await readFile(path, 'utf8') : '';
  let changed = false;
  if (!text.split(/\r?\n/).some((line) => /^specs\/\S*\s.*merge=/.test(line))) {
    await writeAtomically(path, `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${ATTRIBUTES}\n`);
    changed = true;
  }
  const values = [
    ['merge.coherence.name', 'field-wise merge of specs'],
    ['merge.coherence.driver', driverLine(command)],
  ] as const;
  for (const [key, value] of values) {
    const present = await git(root, ['config', '--local', '--get', key]);
    if (present.stdout.trim() === value) continue;
    await git(root, ['config', '--local', key, value]);
    changed = true;
  }
  return {
    changed,
    settings: [`.gitattributes: ${ATTRIBUTES}`, ...values.map(([key, value]) => `git config --local ${key}: ${value}`)],
  };
}

/**
 * Which definition a case names, and whether it is the one that pytest runs under that name. Python's own parser and the
 * code objects behind each collected test say so; names alone do not.
 */
import type { Case } from '../../model/index.js';
import type { Finding } from '../../run/outcome.js';
import { numberOf, textOf, textsOf } from '../../run/reports/channel.js';

/** Where a function's code begins, decorators included; `direct`: calling the test runs this very code. */
export interface Place {
  readonly file: string;
  readonly first: number;
  readonly direct: boolean;
}

/** What pytest says of a collected test's code. */
export interface Collected {
  /** The functions behind it, through its decorators; nearest first. */
  readonly places: readonly Place[];
  /** Where each class around it is defined, and null for what is no class or cannot be told; one a name of its path. */
  readonly owners: readonly (Place | null)[];
  /** What was seen to run of `places`; null where nothing had to be watched or nothing can be said. */
  readonly entered: readonly Place[] | null;
}

/** An `if`, `try`, `match` or loop around a definition: the statement's line, which of its bodies, its first line's text. */
interface Condition {
  readonly line: number;
  readonly branch: number;
  readonly text: string;
}

export interface Definition {
  readonly file: string;
  /** Class names, then its own. */
  readonly path: readonly string[];
  /** Lines, decorators included. */
  readonly first: number;
  readonly last: number;
  /** From the outermost in. */
  readonly conditions: readonly Condition[];
}

const recordsOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value)
    ? value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null)
    : [];

/** The list of a `definitions` event. */
export const definitionsOf = (file: string, list: unknown): readonly Definition[] =>
  recordsOf(list).map((one) => ({
    file,
    path: textsOf(one['path']),
    first: numberOf(one['first']) ?? 0,
    last: numberOf(one['last']) ?? 0,
    conditions: recordsOf(one['conditions']).map((condition) => ({
      line: numberOf(condition['line']) ?? 0,
      branch: numberOf(condition['branch']) ?? 0,
      text: textOf(condition['text']),
    })),
  }));

const same = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((name, index) => name === right[index]);
const isAt = (place: Place | null, one: Definition): boolean =>
  place !== null && place.file === one.file && place.first === one.first;

/** The definition that a found test stands at: its function, or the class that inherits it. Null: Python's parser knows none there. */
export function taggedBy(entry: Case, definitions: readonly Definition[]): Definition | null {
  const { path } = entry;
  const here = definitions.filter(
    (one) => one.file === entry.file && one.first <= entry.line && entry.line <= one.last,
  );
  return (
    here.find((one) => same(one.path, path)) ??
    (path.length > 1 ? here.find((one) => same(one.path, path.slice(0, -1))) : undefined) ??
    null
  );
}

/** The function itself: where a class inherits it, that of the base class. */
function functionOf(entry: Case, tagged: Definition, definitions: readonly Definition[]): Definition | null {
  const base = entry.test?.reportedAt;
  if (base === undefined || base.line === null) return tagged;
  const { file, line } = base;
  return (
    definitions.findLast((one) => one.file === file && one.first <= (line ?? 0) && (line ?? 0) <= one.last) ?? null
  );
}

/** True when a collected test is the tagged definition: its function leads there, and a class that inherits it is that class. */
export function isTagged(
  entry: Case,
  test: Collected,
  tagged: Definition,
  definitions: readonly Definition[],
): boolean {
  const code = functionOf(entry, tagged, definitions);
  if (code === null || !test.places.some((place) => isAt(place, code))) return false;
  return entry.test?.reportedAt === undefined || isAt(test.owners[entry.path.length - 2] ?? null, tagged);
}

/** True unless a pass was reported of a test whose tagged body never ran: nobody awaited it, or a decorator left it out. */
export function bodyRan(
  entry: Case,
  test: Collected,
  tagged: Definition | null,
  definitions: readonly Definition[],
): boolean {
  if (test.entered === null) return true;
  const code = tagged === null ? null : functionOf(entry, tagged, definitions);
  const own = code === null ? test.places.slice(0, 1) : test.places.filter((place) => isAt(place, code));
  return own.some(
    (place) =>
      place.direct || test.entered?.some((seen) => seen.file === place.file && seen.first === place.first) === true,
  );
}

const where = (place: Place | Definition): string => `${place.file}:${place.first}`;

/** The condition that keeps a definition out of force while `running` (null: nothing of that name) is in force. */
function leavesOut(tagged: Definition, running: Definition | null): Condition | null {
  if (running === null || running.first < tagged.first) return tagged.conditions.at(-1) ?? null;
  return (
    tagged.conditions.find((condition) =>
      running.conditions.some((other) => other.line === condition.line && other.branch !== condition.branch),
    ) ?? null
  );
}

/** Why a case's definition is not the one that runs. `rivals`: the tests that pytest collected under its name. */
export function notInForce(
  tagged: Definition,
  rivals: readonly Collected[],
  definitions: readonly Definition[],
): Finding | null {
  const places = rivals.flatMap((test) => test.places);
  const running =
    definitions.find(
      (one) => one !== tagged && same(one.path, tagged.path) && places.some((place) => isAt(place, one)),
    ) ?? null;
  const name = tagged.path.join('::');
  const elsewhere = running === null && rivals.length > 0 && places.some((place) => place.file !== tagged.file);
  const condition = elsewhere && tagged.conditions.length === 0 ? null : leavesOut(tagged, running);
  if (condition !== null)
    return {
      reason: 'configured-out',
      detail: `${name} at line ${tagged.first} is not defined here: ${tagged.file}:${condition.line}: ${condition.text}`,
      proof: 'report',
    };
  if (rivals.length === 0) return null;
  const other = running ?? places[0];
  return {
    reason: 'ambiguous-selector',
    detail: `pytest does not run the ${name} of ${where(tagged)}: ${
      other === undefined ? 'something else has its name' : `that of ${where(other)} has its name`
    }; rename one of them`,
    proof: 'report',
  };
}

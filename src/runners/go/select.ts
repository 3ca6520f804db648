/** Which tests a run asks for: the names that reports will carry, `-run` patterns, and whose report an event is. */
import type { Case } from '../../model/index.js';
import { goTestName } from '../../util/go-name.js';
import { escapedRegExp } from '../../util/text.js';

/** The name that events carry. A dynamic subtest is reported below the test that holds it. */
const plainName = (entry: Case): string =>
  (entry.test?.dynamic === true ? entry.path.slice(0, -1) : entry.path).map(goTestName).join('/');

/** A name without the numbers that tell subtests of one title apart. */
const withoutNumbers = (name: string): string => {
  const [top = '', ...levels] = name.split('/');
  return [top, ...levels.map((level) => level.replace(/#\d{2,}$/u, ''))].join('/');
};

export interface Wanted {
  readonly entry: Case;
  /** '' for a whole file. */
  readonly name: string;
  /** Reported names that may be this test's: just its own, or all with numbers. */
  readonly isFamily: boolean;
}

/** @param both the package has an external test package beside it: a function of the same name numbers its subtests on */
export const wantedOf = (entry: Case, both = false): Wanted => {
  const name = plainName(entry);
  return { entry, name, isFamily: entry.test?.turn !== undefined || (both && name.includes('/')) };
};

export const isOf = (wanted: Wanted, name: string): boolean =>
  wanted.isFamily ? withoutNumbers(name) === wanted.name : name === wanted.name;

type Named = Pick<Wanted, 'name' | 'isFamily'>;

/** So many alternatives may stand beside each other: the testing package compiles each of them anew for each name it looks at. */
const MOST_ALTERNATIVES = 40;

/** One level of a pattern: any of these names, with a number behind where the name may have one. */
const levelOf = (parts: readonly string[]): string => {
  const all = [...new Set(parts)];
  return all.length === 1 ? `^${all.join('')}$` : `^(${all.join('|')})$`;
};

const partsOf = ({ name, isFamily }: Named): string[] =>
  name.split('/').map((part, level) => `${escapedRegExp(part)}${isFamily && level > 0 ? '(#[0-9]+)?' : ''}`);

/**
 * `-run`: each level of each name anchored; `#01` and so on are taken along where names may be numbered. Names of one parent are one
 * alternative. With very many parents the pattern takes in more than was asked for, each level being right on its own.
 */
export function runPattern(wanted: readonly Named[]): string {
  const byParent = new Map<string, string[][]>();
  for (const one of wanted) {
    const parts = partsOf(one);
    const parent = parts.slice(0, -1).join('/');
    const group = byParent.get(parent) ?? [];
    group.push(parts);
    byParent.set(parent, group);
  }
  const groups = [...byParent.values()];
  const wide = new Map<number, string[][]>();
  for (const parts of groups.length > MOST_ALTERNATIVES ? groups.flat() : []) {
    const group = wide.get(parts.length) ?? [];
    group.push(parts);
    wide.set(parts.length, group);
  }
  return [...(wide.size === 0 ? groups : wide.values())]
    .map((group) =>
      Array.from({ length: group[0]?.length ?? 0 }, (_, level) =>
        levelOf(group.map((parts) => parts[level] ?? '')),
      ).join('/'),
    )
    .join('|');
}

/** One argument may have 128 KiB on Linux. */
const LONGEST_PATTERN = 100_000;

/** Cases in groups whose patterns fit into one argument. A package's groups run one after the other, as its tests do. */
export function groupsByPattern(cases: readonly Case[]): readonly (readonly Case[])[] {
  const groups: Case[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const entry of cases) {
    const own = runPattern([wantedOf(entry)]).length + 1;
    if (length + own > LONGEST_PATTERN) {
      groups.push([]);
      length = 0;
    }
    groups.at(-1)?.push(entry);
    length += own;
  }
  return groups;
}

/** Whose report an event is, for many cases. */
export class Audience {
  readonly #exact = new Map<string, Case[]>();
  readonly #families = new Map<string, Case[]>();

  constructor(wanted: readonly Wanted[]) {
    for (const { entry, name, isFamily } of wanted) {
      const map = isFamily ? this.#families : this.#exact;
      map.set(name, [...(map.get(name) ?? []), entry]);
    }
  }

  of(name: string): readonly Case[] {
    const family = this.#families.size === 0 ? undefined : this.#families.get(withoutNumbers(name));
    return [...(this.#exact.get(name) ?? []), ...(family ?? [])];
  }
}

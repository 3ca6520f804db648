/**
 * Subtests of one name: Go calls the second `x#01`, the third `x#02`, in the order in which they run. The source shows that order
 * where nothing but its lines decides; below an `if`, or next to numbers written by hand, only the count is known.
 */
import type { FoundTest } from '../../model/index.js';
import { goNameOfTurn, goTestName } from '../../util/go-name.js';

/** The subtests of one body. */
export interface Level {
  /** The subtest that the body belongs to; null for the test function itself. */
  readonly parent: Named | null;
  /** It also runs subtests whose titles only a run knows: they may take any name. */
  readonly isOpen: boolean;
}

export interface Named {
  readonly test: FoundTest;
  readonly level: Level;
  readonly conditional: boolean;
}

const titleOf = ({ test }: Named): string => goTestName(test.path.at(-1) ?? '');
const baseOf = ({ test }: Named): string => test.path.map(goTestName).join('/');

/** Names of one function's subtests as they will be reported, null where that is not known. */
function namesOf(named: readonly Named[]): ReadonlyMap<Named, string | null> {
  const names = new Map<Named, string | null>();
  for (const one of named) {
    const { parent } = one.level;
    const above = parent === null ? goTestName(one.test.path[0] ?? '') : (names.get(parent) ?? null);
    const siblings = named.filter((other) => other.level === one.level);
    const same = siblings.filter((other) => titleOf(other) === titleOf(one));
    const isCounted =
      same.length === 1 ||
      (!same.some((other) => other.conditional) &&
        !siblings.some((other) => titleOf(other).startsWith(`${titleOf(one)}#`)));
    names.set(one, above === null || !isCounted ? null : `${above}/${goNameOfTurn(titleOf(one), same.indexOf(one))}`);
  }
  // A title with a slash may name what another one's subtest is called.
  const counts = new Map<string, number>();
  for (const name of names.values()) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const [one, name] of names) if (name !== null && (counts.get(name) ?? 0) > 1) names.set(one, null);
  return names;
}

/** Gives the subtests of one function their turns, in place. `named` is in source order, what is around before what is inside. */
export function withTurns(tests: FoundTest[], named: readonly Named[]): void {
  const names = namesOf(named);
  for (const one of named) {
    const base = baseOf(one);
    const of = named.filter((other) => baseOf(other) === base).length;
    const name = names.get(one) ?? null;
    const at = tests.indexOf(one.test);
    if (at !== -1 && (of > 1 || one.level.isOpen || name !== base)) tests[at] = { ...one.test, turn: { name, of } };
  }
}

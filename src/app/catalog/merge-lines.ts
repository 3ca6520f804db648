/** Three texts merged by lines, and two set side by side: what a merge by field cannot do for comments. */

const LARGEST_TABLE = 4_000_000;

type Step = { readonly kind: 'left' | 'right' | 'both'; readonly line: string };

const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n');

/** A shortest way from one list to the other, or null where they are too large to compare. */
function stepsBetween(a: readonly string[], b: readonly string[]): readonly Step[] | null {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (left.length * right.length > LARGEST_TABLE) return null;
  const both = (line: string): Step => ({ kind: 'both', line });
  return [...a.slice(0, start).map(both), ...commonLines(left, right), ...a.slice(a.length - end).map(both)];
}

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

/** Both texts in one, with conflict markers around what differs. */
export function marked(ours: string, theirs: string): string {
  const [a, b] = [linesOf(ours), linesOf(theirs)];
  const hunk = (left: readonly string[], right: readonly string[]): string[] =>
    left.length + right.length === 0 ? [] : ['<<<<<<< ours', ...left, '=======', ...right, '>>>>>>> theirs'];
  const steps = stepsBetween(a, b);
  if (steps === null) return `${hunk(a, b).join('\n')}\n`;
  const lines: string[] = [];
  let [left, right]: [string[], string[]] = [[], []];
  for (const step of steps) {
    if (step.kind === 'left') left.push(step.line);
    else if (step.kind === 'right') right.push(step.line);
    else {
      lines.push(...hunk(left, right), step.line);
      [left, right] = [[], []];
    }
  }
  return `${[...lines, ...hunk(left, right)].join('\n')}\n`;
}

/** For each line of the base its number in the other text, where both have it; null where they are too large to compare. */
function numbersIn(base: readonly string[], other: readonly string[]): ReadonlyMap<number, number> | null {
  const steps = stepsBetween(base, other);
  if (steps === null) return null;
  const numbers = new Map<number, number>();
  let [i, j] = [0, 0];
  for (const { kind } of steps) {
    if (kind === 'both') numbers.set(i, j);
    if (kind !== 'right') i += 1;
    if (kind !== 'left') j += 1;
  }
  return numbers;
}

/** The texts merged line by line over their base; null where both changed the same lines, or they are too large. */
export function mergeLines(base: string, ours: string, theirs: string): string | null {
  const [o, a, b] = [linesOf(base), linesOf(ours), linesOf(theirs)];
  const [inOurs, inTheirs] = [numbersIn(o, a), numbersIn(o, b)];
  if (inOurs === null || inTheirs === null) return null;
  const merged: string[] = [];
  let from = { o: 0, a: 0, b: 0 };
  for (let line = 0; line <= o.length; line += 1) {
    const to =
      line === o.length
        ? { o: line, a: a.length, b: b.length }
        : { o: line, a: inOurs.get(line), b: inTheirs.get(line) };
    if (to.a === undefined || to.b === undefined) continue;
    const chunk = mergeChunk(o.slice(from.o, to.o), a.slice(from.a, to.a), b.slice(from.b, to.b));
    if (chunk === null) return null;
    merged.push(...chunk, ...o.slice(line, line + 1));
    from = { o: line + 1, a: to.a + 1, b: to.b + 1 };
  }
  return `${merged.join('\n')}\n`;
}

const equal = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((line, at) => line === right[at]);

function mergeChunk(
  base: readonly string[],
  ours: readonly string[],
  theirs: readonly string[],
): readonly string[] | null {
  if (equal(ours, theirs) || equal(base, theirs)) return ours;
  return equal(base, ours) ? theirs : null;
}

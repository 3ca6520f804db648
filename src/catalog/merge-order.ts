/**
 * Merges the orders of two edited lists over a common base. The result does not depend on which side is called which.
 */

/** Members of a longest increasing subsequence of `ranks`, as positions. */
function increasing(ranks: readonly number[]): number[] {
  const tails: number[] = [];
  const previous: number[] = [];
  ranks.forEach((rank, at) => {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranks[tails[middle] ?? 0] ?? 0) < rank) low = middle + 1;
      else high = middle;
    }
    previous[at] = low === 0 ? -1 : (tails[low - 1] ?? -1);
    tails[low] = at;
  });
  const result: number[] = [];
  for (let at = tails[tails.length - 1] ?? -1; at >= 0; at = previous[at] ?? -1) result.push(at);
  return result.toReversed();
}

/** Items of `base` whose order against each other this side did not change. */
function unmoved(base: readonly string[], side: readonly string[]): Set<string> {
  const rank = new Map(base.map((item, at) => [item, at]));
  const known = side.filter((item) => rank.has(item));
  return new Set(increasing(known.map((item) => rank.get(item) ?? 0)).map((at) => known[at] ?? ''));
}

/** Merges two runs that may share items; where nothing decides, the smaller name comes first. */
function interleave(left: readonly string[], right: readonly string[]): string[] {
  const result: string[] = [];
  const a = [...left];
  const b = [...right];
  while (a.length > 0 || b.length > 0) {
    const [x, y] = [a[0], b[0]];
    const free = [
      x !== undefined && (x === y || !b.includes(x)) ? x : undefined,
      y !== undefined && (x === y || !a.includes(y)) ? y : undefined,
    ];
    const candidates = free.filter((item) => item !== undefined);
    const heads = candidates.length > 0 ? candidates : [x, y].filter((item) => item !== undefined);
    const next = heads.reduce((one, other) => (other < one ? other : one));
    result.push(next);
    for (const list of [a, b]) {
      const at = list.indexOf(next);
      if (at >= 0) list.splice(at, 1);
    }
  }
  return result;
}

/** For each item that is not in `backbone`: the nearest item before it on this side that is; '' for the front. */
function anchors(side: readonly string[], backbone: ReadonlySet<string>): Map<string, string> {
  const result = new Map<string, string>();
  let anchor = '';
  for (const item of side) {
    if (backbone.has(item)) anchor = item;
    else result.set(item, anchor);
  }
  return result;
}

/** The order that base items keep: that of the only side that changed it; what both moved differently is left out. */
function backboneOf(base: readonly string[], ours: readonly string[], theirs: readonly string[]): string[] {
  const inBase = new Set(base);
  const [a, b] = [ours.filter((item) => inBase.has(item)), theirs.filter((item) => inBase.has(item))];
  const [fixedInOurs, fixedInTheirs] = [unmoved(base, a), unmoved(base, b)];
  if (fixedInOurs.size === a.length && fixedInTheirs.size === b.length)
    return base.filter((item) => fixedInOurs.has(item) || fixedInTheirs.has(item));
  if (fixedInOurs.size === a.length) return b;
  if (fixedInTheirs.size === b.length) return a;
  if (a.length === b.length && a.every((item, at) => item === b[at])) return a;
  return base.filter((item) => fixedInOurs.has(item) && fixedInTheirs.has(item));
}

/**
 * The order of `kept` (the items that survive a merge). Items that no side moved keep the base's order; an item that one
 * side added or moved follows what it follows on that side; additions of both sides at one place are all kept.
 */
export function mergeOrder(
  base: readonly string[],
  ours: readonly string[],
  theirs: readonly string[],
  kept: ReadonlySet<string>,
): string[] {
  const present = (list: readonly string[]): string[] => list.filter((item) => kept.has(item));
  const [a, b] = [present(ours), present(theirs)];
  const backbone = backboneOf(present(base), a, b);
  const fixed = new Set(backbone);
  const rank = new Map(['', ...backbone].map((item, at) => [item, at]));
  const [anchorInOurs, anchorInTheirs] = [anchors(a, fixed), anchors(b, fixed)];
  const gaps = new Map<string, { ours: string[]; theirs: string[] }>();
  const placeOf = (item: string): string => {
    const mine = anchorInOurs.get(item);
    const other = anchorInTheirs.get(item);
    if (mine === undefined || other === undefined) return mine ?? other ?? '';
    return (rank.get(mine) ?? 0) <= (rank.get(other) ?? 0) ? mine : other;
  };
  for (const [side, list] of [
    ['ours', a],
    ['theirs', b],
  ] as const) {
    for (const item of list) {
      if (fixed.has(item)) continue;
      const place = placeOf(item);
      const gap = gaps.get(place) ?? { ours: [], theirs: [] };
      gaps.set(place, gap);
      gap[side].push(item);
    }
  }
  return ['', ...backbone].flatMap((anchor) => {
    const gap = gaps.get(anchor);
    const tail = gap === undefined ? [] : interleave(gap.ours, gap.theirs);
    return anchor === '' ? tail : [anchor, ...tail];
  });
}

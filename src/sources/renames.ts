/** Which added file is a deleted one under a new name. */

export interface RenameSide {
  readonly path: string;
  readonly blob: string;
  /** The content, or null when it is too large or cannot be read. */
  read(): Promise<Buffer | null>;
}

/** Above this many pairs only equal contents count, as in git. */
const MAX_PAIRS = 10_000;
const MIN_SIMILARITY = 0.5;

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function lineCounts(bytes: Buffer): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of bytes.toString('latin1').split('\n')) {
    const text = line.trim();
    if (text !== '') counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

const total = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

/** Share of common lines, from 0 to 1. */
function similarity(left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): number {
  let common = 0;
  for (const [line, count] of left) common += Math.min(count, right.get(line) ?? 0);
  const all = Math.max(total(left), total(right));
  return all === 0 ? 0 : common / all;
}

/** New path → old path. Equal contents first (same file name preferred), then the most similar pairs. */
export async function pairRenames(
  deleted: readonly RenameSide[],
  added: readonly RenameSide[],
): Promise<ReadonlyMap<string, string>> {
  const pairs = new Map<string, string>();
  const left = new Map(deleted.map((file) => [file.path, file]));
  for (const sameName of [true, false]) {
    for (const file of added) {
      if (pairs.has(file.path)) continue;
      const source = [...left.values()].find(
        (old) => old.blob === file.blob && (!sameName || baseName(old.path) === baseName(file.path)),
      );
      if (source === undefined) continue;
      pairs.set(file.path, source.path);
      left.delete(source.path);
    }
  }
  const open = added.filter((file) => !pairs.has(file.path));
  if (left.size === 0 || open.length === 0 || left.size * open.length > MAX_PAIRS) return pairs;
  const countsOf = async (file: RenameSide): Promise<ReadonlyMap<string, number>> =>
    lineCounts((await file.read()) ?? Buffer.alloc(0));
  const olds = await Promise.all([...left.values()].map(async (file) => ({ file, counts: await countsOf(file) })));
  const candidates: { readonly path: string; readonly from: string; readonly score: number }[] = [];
  for (const file of open) {
    const counts = await countsOf(file);
    for (const old of olds) {
      const score = similarity(old.counts, counts);
      if (score >= MIN_SIMILARITY) candidates.push({ path: file.path, from: old.file.path, score });
    }
  }
  candidates.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
  for (const { path, from } of candidates) {
    if (pairs.has(path) || !left.has(from)) continue;
    pairs.set(path, from);
    left.delete(from);
  }
  return pairs;
}

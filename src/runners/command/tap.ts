/**
 * TAP (versions 12 to 14), read strictly: one plan, as many points as it says, numbered in order. A stream that is cut
 * short, bails out or contradicts itself is no report. A point with subtests counts as its subtests do.
 */
import { counted } from '../../util/text.js';
import { NO_COUNTS, sumCounts, type Counts } from './counts.js';

const POINT = /^(not )?ok\b(?:\s+(\d+))?\s*(?:-\s*)?(.*)$/;
const PLAN = /^1\.\.(\d+)(?:\s*#\s*(.*))?$/;
/** A directive is every word that begins so (`# SKIPPED`, `# Skip:`, `# todo`); an escaped `#` belongs to the title. */
const DIRECTIVE = /(?:^|[^\\])#\s*(?:skip|todo)/i;

const MAX_DEPTH = 100;

type Read = Counts | { readonly problem: string };

const indentOf = (line: string): number => line.length - line.trimStart().length;

/** Lines without YAML blocks, which may hold anything, and without what ends lines elsewhere. */
function plainLines(text: string): string[] {
  const lines: string[] = [];
  let isYaml = false;
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '');
    if (isYaml) isYaml = line.trim() !== '...';
    else if (/^\s+---\s*$/.test(line)) isYaml = true;
    else lines.push(line);
  }
  return lines;
}

/** What the points of one level come to; `below`: the lines that stand deeper, before the point that sums them up. */
function countPoint(match: RegExpExecArray, number: number, below: readonly string[], depth: number): Read {
  const description = match[3] ?? '';
  if (DIRECTIVE.test(description)) return { ...NO_COUNTS, skipped: 1 };
  const name = description === '' ? `point ${number}` : description;
  if (match[1] !== undefined) return { ...NO_COUNTS, failures: [name], message: name };
  const inner = readSubtests(below, depth);
  if (inner === null) return { ...NO_COUNTS, passed: 1 };
  return 'problem' in inner ? { problem: `${name}: ${inner.problem}` } : inner;
}

/** Subtests above a point, or null where the deeper lines are only output: a subtest has a plan of its own. */
function readSubtests(lines: readonly string[], depth: number): Read | null {
  const indents = lines.filter((line) => PLAN.test(line.trim())).map(indentOf);
  if (indents.length === 0) return null;
  if (depth === MAX_DEPTH) return { problem: `subtests nest deeper than ${MAX_DEPTH}` };
  const indent = indents.reduce((least, value) => Math.min(least, value));
  return readLevel(
    lines.filter((line) => indentOf(line) >= indent).map((line) => line.slice(indent)),
    depth + 1,
  );
}

/** One level of points: its own lines start at the first column. */
function readLevel(lines: readonly string[], depth: number): Read {
  const counts: Counts[] = [];
  let planned: number | null = null;
  let points = 0;
  let skipAll = '';
  let below: string[] = [];
  for (const line of lines) {
    if (/^\s/.test(line)) {
      below.push(line);
      continue;
    }
    const plan = PLAN.exec(line);
    if (plan !== null) {
      if (planned !== null) return { problem: 'the report has two plans' };
      planned = Number(plan[1]);
      skipAll = plan[2] ?? '';
      continue;
    }
    const point = POINT.exec(line);
    if (point === null) continue;
    points += 1;
    if (point[2] !== undefined && Number(point[2]) !== points)
      return { problem: `point ${point[2]} stands where ${points} was due` };
    const count = countPoint(point, points, below, depth);
    if ('problem' in count) return count;
    counts.push(count);
    below = [];
  }
  if (planned === null)
    return { problem: points === 0 ? 'the output holds no TAP report' : 'the report has no plan (1..N)' };
  if (planned !== points) return { problem: `the plan says ${counted(planned, 'point')}, ${points} were reported` };
  if (planned === 0 && skipAll !== '') return { ...NO_COUNTS, skipped: 1, message: skipAll };
  return sumCounts(counts);
}

/** What the text reports, or why it is no report. */
export function readTap(text: string): Read {
  const lines = plainLines(text);
  const bail = lines.find((line) => line.trimStart().startsWith('Bail out!'));
  return bail === undefined ? readLevel(lines, 0) : { problem: `the report says "${bail.trim()}"` };
}

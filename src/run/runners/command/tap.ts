/**
 * TAP (versions 12 to 14), read strictly: one plan, as many top-level points as it says, numbered in order. A stream
 * that is cut short, bails out or contradicts itself is no report.
 */
import type { Counts } from './counts.js';

const POINT = /^(not )?ok\b(?:\s+(\d+))?\s*(?:-\s*)?(.*)$/;
const PLAN = /^1\.\.(\d+)(?:\s*#\s*(.*))?$/;

/** What the text reports, or why it is no report. */
export function readTap(text: string): Counts | { readonly problem: string } {
  const failures: string[] = [];
  let planned: number | null = null;
  let points = 0;
  let passed = 0;
  let skipped = 0;
  let skipAll = '';
  let yaml = false;
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '');
    if (yaml) {
      yaml = line.trim() !== '...';
      continue;
    }
    if (/^\s+---\s*$/.test(line)) {
      yaml = true;
      continue;
    }
    // Indented lines are subtests: their parent's point sums them up.
    if (/^\s/.test(line)) continue;
    if (line.startsWith('Bail out!')) return { problem: `the report ends with "${line}"` };
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
    const description = point[3] ?? '';
    const directive = /(?:^|[^\\])#\s*(skip|todo)\b\S*\s*(.*)$/i.exec(description);
    if (directive !== null) skipped += 1;
    else if (point[1] === undefined) passed += 1;
    else failures.push(description === '' ? `point ${points}` : description);
  }
  if (planned === null)
    return { problem: points === 0 ? 'the output holds no TAP report' : 'the report has no plan (1..N)' };
  if (planned !== points) return { problem: `the plan says ${planned} points, ${points} were reported` };
  if (planned === 0 && skipAll !== '') return { passed: 0, skipped: 1, failures: [], message: skipAll };
  return { passed, skipped, failures, message: failures.join('\n') };
}

/** What a blocked push prints: at most 20 lines, each of use. */
import type { CheckRecord } from '../../model/index.js';
import { clip, visibleLine } from '../../util/text.js';
import type { Blocker } from './policy.js';

const LINES = 20;

function linesOf(blocker: Blocker): string[] {
  const bad: CheckRecord | undefined = blocker.record?.checks.find(
    (check) => check.verdict === blocker.record?.verdict && check.verdict !== 'PASS',
  );
  const lines = [
    `${visibleLine(blocker.criterion)}  ${clip(visibleLine(blocker.title), 90)}: ${visibleLine(blocker.why)}`,
  ];
  if (bad !== undefined) {
    lines.push(
      `  ${visibleLine(bad.link)}${bad.file === null ? '' : `  ${visibleLine(bad.file)}${bad.line === null || bad.line === 0 ? '' : `:${bad.line}`}`}`,
    );
    const message = (bad.message ?? bad.detail ?? '')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .slice(0, 2);
    lines.push(...message.map((line) => `    ${clip(visibleLine(line), 120)}`));
  } else if (blocker.record?.detail !== undefined) lines.push(`    ${clip(visibleLine(blocker.record.detail), 120)}`);
  return lines;
}

/** @param reproduce the command that shows the same on a checkout of the pushed commit */
export function blockedText(tip: string, blockers: readonly Blocker[], debt: number, reproduce: string): string {
  const head = `Push of ${tip.slice(0, 12)} blocked: ${blockers.length} criteria got worse.`;
  const tail = [
    `Reproduce: ${reproduce}`,
    ...(debt > 0 ? [`${debt} more were as bad before and do not block.`] : []),
    'Skip once: git push --no-verify',
  ];
  const room = LINES - tail.length - 2;
  const body: string[] = [];
  let shown = 0;
  for (const blocker of blockers) {
    const lines = linesOf(blocker);
    if (body.length + lines.length > room) break;
    body.push(...lines);
    shown += 1;
  }
  if (shown < blockers.length)
    body.push(
      `and ${blockers.length - shown} more: ${clip(
        blockers
          .slice(shown)
          .map((item) => visibleLine(item.criterion))
          .join(', '),
        100,
      )}`,
    );
  return `${[head, ...body, ...tail].join('\n')}\n`;
}

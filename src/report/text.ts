/** The terminal's report: a line a criterion, what went wrong below it, the four counts at the end. */
import { worse, type CheckRecord, type CriterionRecord, type RunRecord, type Summary } from '../model/index.js';
import { formatDuration } from '../util/duration.js';
import { clip, visible, visibleLine } from '../util/text.js';
import { painter, VERDICT_STYLE, type Paint } from './paint.js';
import type { Reporter, RenderOptions } from './reporter.js';

/** `PASS 3, FAIL 0, SKIP 1, ERROR 0`: "all pass" never stands beside a SKIP. */
export function summaryLine(summary: Summary): string {
  const { pass, fail, skip, error } = summary;
  const total = pass + fail + skip + error;
  const verified =
    total === 0
      ? 'no criteria'
      : pass === 0 && fail === 0
        ? `0 verified of ${total}`
        : pass === total
          ? `all ${total} verified`
          : `${pass + fail} verified of ${total}`;
  const weaker = [
    ...(summary.exit_code === undefined ? [] : [`${summary.exit_code} by exit code`]),
    ...(summary.flaky === undefined ? [] : [`${summary.flaky} flaky`]),
  ];
  return `${[`${pass} PASS`, ...weaker].join(', ')}, ${fail} FAIL, ${skip} SKIP, ${error} ERROR (${verified})`;
}

export const reasonOf = (item: { readonly verdict: string; readonly reason: string }): string =>
  item.verdict === 'PASS' && item.reason === 'executed' ? '' : `(${item.reason})`;

const indent = (text: string, by: string): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : by + line))
    .join('\n');

const where = (check: CheckRecord): string =>
  check.file === null ? '' : `${check.file}${check.line === null || check.line === 0 ? '' : `:${check.line}`}`;

function checkLines(check: CheckRecord, paint: Paint, options: RenderOptions): string[] {
  if (check.verdict === 'PASS' && !options.verbose && check.hollow !== true && check.flaky === undefined) return [];
  const exit = check.exit_code === null || check.exit_code === 0 ? '' : `, exit code ${check.exit_code}`;
  const lines = [
    `      ${paint(VERDICT_STYLE[check.verdict], check.verdict)}${reasonOf(check)} ${visibleLine(check.link)}${exit}${where(check) === '' ? '' : paint('dim', `  ${visibleLine(where(check))}`)}`,
  ];
  if (check.detail !== undefined && check.detail !== check.link) lines.push(indent(visible(check.detail), '        '));
  if (check.flaky !== undefined) lines.push(paint('yellow', `        flaky: ${visibleLine(check.flaky)}`));
  if (check.hollow === true) lines.push(paint('yellow', '        hollow: no assertion can be reached in this test'));
  if (check.message !== undefined && check.verdict !== 'PASS') {
    const shown = options.verbose
      ? check.message
      : check.message
          .split('\n')
          .slice(0, 12)
          .map((line) => clip(line, 300))
          .join('\n');
    lines.push(paint('dim', indent(visible(shown), '        ')));
  }
  if ((check.verdict === 'FAIL' || check.verdict === 'ERROR') && check.output !== null)
    lines.push(paint('dim', `        output: ${check.output}`));
  if (options.verbose && check.command.length > 0)
    lines.push(paint('dim', `        $ ${visibleLine(check.command.join(' '))}`));
  return lines;
}

/** `impl PASS, stest SKIP(no-link)`: the worst check of each kind that the criterion needs; '' where it names none. */
function kindsLine(criterion: CriterionRecord): string {
  const kinds = new Map<string, CheckRecord>();
  for (const check of criterion.checks) {
    const before = check.proves === undefined ? undefined : kinds.get(check.proves);
    if (check.proves !== undefined && (before === undefined || worse(before.verdict, check.verdict) !== before.verdict))
      kinds.set(check.proves, check);
  }
  return [...kinds].map(([kind, check]) => `${visibleLine(kind)} ${check.verdict}${reasonOf(check)}`).join(', ');
}

/** ` 2 h ago`: how old a reused verdict is, the oldest of several. */
function ageOf(criterion: CriterionRecord, now: string): string {
  const ends = criterion.checks.flatMap((check) => (check.cached && check.ended_at !== null ? [check.ended_at] : []));
  const [oldest] = ends.sort();
  if (oldest === undefined) return '';
  const minutes = Math.max(0, Math.round((Date.parse(now) - Date.parse(oldest)) / 60_000));
  return minutes < 1 ? ' just now' : minutes < 120 ? ` ${minutes} min ago` : ` ${Math.round(minutes / 60)} h ago`;
}

function criterionLines(criterion: CriterionRecord, record: RunRecord, paint: Paint, options: RenderOptions): string[] {
  const verdict = paint(VERDICT_STYLE[criterion.verdict], criterion.verdict.padEnd(5));
  const reason = criterion.reason === 'cached' ? `(cached${ageOf(criterion, record.started_at)})` : reasonOf(criterion);
  const kinds = kindsLine(criterion);
  const shown = criterion.checks.flatMap((check) => checkLines(check, paint, options));
  const detail =
    criterion.detail !== undefined && (criterion.checks.length === 0 || criterion.checks.length > 1)
      ? `: ${visibleLine(criterion.detail)}`
      : '';
  return [
    `  ${verdict} ${visibleLine(criterion.id)}  ${visibleLine(criterion.title)}${reason === '' ? '' : ` ${reason}`}${detail}`,
    ...(kinds === '' ? [] : [paint('dim', `      ${kinds}`)]),
    ...shown,
  ];
}

export const text: Reporter = {
  name: 'text',
  render(record: RunRecord, options: RenderOptions): string {
    const paint = painter(options.color);
    const lines: string[] = [];
    for (const spec of record.specs) {
      lines.push(
        `${paint('bold', visibleLine(spec.id))}  ${visibleLine(spec.title)}${spec.status === 'active' ? '' : paint('dim', ` [${spec.status}]`)}`,
      );
      if (spec.criteria.length === 0) lines.push(`  ${paint('yellow', 'SKIP ')} no criteria (${spec.reason})`);
      for (const criterion of spec.criteria) lines.push(...criterionLines(criterion, record, paint, options));
      lines.push('');
    }
    const warnings = record.diagnostics.filter((item) => item.severity !== 'note');
    for (const item of warnings) {
      lines.push(
        `${paint(item.severity === 'error' ? 'red' : 'yellow', item.severity)}: ${visibleLine(item.file)}:${item.line}:${item.column}: ${visibleLine(item.message)} [${item.code}]`,
      );
    }
    if (warnings.length > 0) lines.push('');
    for (const note of record.notes ?? []) lines.push(`${paint('cyan', 'note')}: ${visible(note)}`);
    if (record.ended === 'interrupted') lines.push(paint('red', 'Interrupted: what had not ended is ERROR(canceled).'));
    if (record.ended === 'run-timeout')
      lines.push(paint('red', 'The run time-out was reached: the rest is ERROR(run-timeout).'));
    if (record.ended === 'fail-fast')
      lines.push(paint('red', 'Stopped at the first FAIL (--fail-fast): the rest is ERROR(canceled).'));
    const { executed, cached, duration_ms } = record.summary;
    lines.push(paint('bold', summaryLine(record.summary)));
    lines.push(
      paint(
        'dim',
        `${executed} executed, ${cached} cached, ${formatDuration(duration_ms)}; run ${record.run}, source ${record.source.commit?.slice(0, 12) ?? 'no commit'}${record.source.dirty ? ' + uncommitted changes' : ''}`,
      ),
    );
    return `${lines.join('\n')}\n`;
  },
};

/** `coverage` */
import { resolve } from 'node:path';
import { coverageView } from '../../app/index.js';
import { COVERAGE_KEYS, failure, success, type CoverageKey, type Result } from '../../model/index.js';
import { COVERAGE_FORMATS } from '../../report/index.js';
import { writeAtomically } from '../../util/files.js';
import { visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { noteSync, settle, withProject } from './context.js';

/** `traced=90,passed=85` */
function floors(text: string | undefined): Result<readonly { readonly key: CoverageKey; readonly percent: number }[]> {
  if (text === undefined) return success([]);
  const found: { key: CoverageKey; percent: number }[] = [];
  for (const part of text.split(',')) {
    const match = /^\s*(\w+)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part);
    const key = COVERAGE_KEYS.find((candidate) => candidate === match?.[1]);
    const percent = Number(match?.[2]);
    if (key === undefined || !(percent >= 0 && percent <= 100)) {
      return failure({
        kind: 'usage',
        message: `--fail-under cannot read "${visibleLine(part)}".`,
        hint: `Write KEY=N with KEY one of ${COVERAGE_KEYS.join(', ')} and N from 0 to 100, separated by commas.`,
      });
    }
    found.push({ key, percent });
  }
  return success(found);
}

export async function coverage(input: Input, context: CommandContext): Promise<number> {
  const name = input.text('format') ?? (context.json ? 'json' : 'text');
  const format = COVERAGE_FORMATS.find((candidate) => candidate.name === name);
  if (format === undefined)
    return reportFailures(
      [
        {
          kind: 'usage',
          message: `--format cannot be "${visibleLine(name)}".`,
          hint: `Allowed: ${COVERAGE_FORMATS.map((item) => item.name).join(', ')}.`,
        },
      ],
      context.streams,
    );
  const wanted = floors(input.text('fail-under'));
  if (!wanted.ok) return reportFailures(wanted.failures, context.streams);
  const at = input.text('at');
  const against = input.text('against');
  return withProject(context, async (project) => {
    await noteSync(project, context);
    return settle(
      context,
      coverageView(project, {
        withHistory: name === 'html' || name === 'json',
        ...(at === undefined ? {} : { at }),
        ...(against === undefined ? {} : { against }),
      }),
      async (view) => {
        const out = input.text('out');
        const text = await format.render(view, { color: context.color && out === undefined, verbose: context.verbose });
        if (out === undefined) context.streams.out(text);
        else await writeAtomically(resolve(context.cwd, out), text);
        const missed = wanted.value.filter(({ key, percent }) => view.total.percent[key] < percent);
        for (const { key, percent } of missed)
          context.streams.err(`${key} is ${view.total.percent[key].toFixed(1)}%, under ${percent}%\n`);
        const isEmpty = wanted.value.length > 0 && view.total.specified === 0;
        if (isEmpty) context.streams.err('--fail-under: no criterion is specified\n');
        return missed.length > 0 || isEmpty ? 1 : 0;
      },
    );
  });
}

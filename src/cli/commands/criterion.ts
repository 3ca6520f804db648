import { reviewOf, riskOf, type Criterion } from '../../model/index.js';
import { visibleLine } from '../../util/text.js';

/** A criterion without positions, for `--json`; links in the form of the spec files. */
export function plainCriterion(criterion: Criterion): object {
  const { position: _position, verified_by: links, implemented_by: implementations, ...rest } = criterion;
  return {
    ...rest,
    ...(links === undefined
      ? {}
      : { verified_by: links.map(({ kind, target, position: _at, ...options }) => ({ [kind]: target, ...options })) }),
    ...(implementations === undefined
      ? {}
      : { implemented_by: implementations.map(({ position: _at, ...options }) => options) }),
  };
}

/** Lines of a criterion for people. */
export function criterionText(criterion: Criterion): string[] {
  const facts = [
    `risk ${riskOf(criterion)}`,
    ...(reviewOf(criterion) === 'automated' ? [] : [`review ${reviewOf(criterion)}`]),
    ...(criterion.concerns ?? []),
  ];
  const lines = [`${visibleLine(criterion.id)}  ${visibleLine(criterion.title)}  [${facts.join(', ')}]`];
  for (const text of [criterion.intent, criterion.description])
    if (text !== undefined && text !== '' && text !== criterion.title)
      lines.push(
        ...text
          .trimEnd()
          .split('\n')
          .map((line) => `    ${visibleLine(line)}`),
      );
  for (const link of criterion.verified_by ?? [])
    lines.push(
      `    verified by ${link.kind} ${visibleLine(link.target)}${link.in === 'docker' ? ` in docker (${link.environment ?? 'no environment'})` : ''}`,
    );
  for (const link of criterion.implemented_by ?? []) lines.push(`    implemented by ${visibleLine(link.code)}`);
  if (criterion.gap !== undefined) lines.push(`    gap: ${visibleLine(criterion.gap)}`);
  return lines;
}

/** `links [ID]`: what verifies and implements what. */
import { analyse, unknownId } from '../../app/index.js';
import type { ResolvedImplementation, ResolvedLink, TracedCriterion } from '../../model/index.js';
import { visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { noteSync, printJson, settle, withProject } from './context.js';

const plainLink = (link: ResolvedLink): object => ({
  kind: link.kind,
  origin: link.origin,
  link: link.label,
  covers: link.covers,
  tests: link.tests.map((test) => ({
    selector: test.selector,
    file: test.file,
    line: test.line,
    framework: test.framework,
    fingerprint: test.fingerprint,
  })),
  declared_at: `${link.position.file}:${link.position.line}:${link.position.column}`,
  ...(link.problem === undefined ? {} : { problem: link.problem.reason, message: link.problem.message }),
});

const plainImplementation = (item: ResolvedImplementation): object => ({
  origin: item.origin,
  file: item.file,
  line: item.line,
  symbol: item.symbol,
  ...(item.problem === undefined ? {} : { problem: item.problem.reason, message: item.problem.message }),
});

function lines(traced: TracedCriterion): string[] {
  const found = [`${visibleLine(traced.criterion.id)}  ${visibleLine(traced.criterion.title)}`];
  for (const link of traced.links) {
    const at = link.tests[0];
    const place =
      at === undefined
        ? ''
        : `  ${at.file}:${at.line}${link.tests.length > 1 ? ` and ${link.tests.length - 1} more` : ''}`;
    found.push(
      `  verified by ${link.kind} ${visibleLine(link.label)}${visibleLine(place)} (${link.origin})${link.problem === undefined ? '' : `: ${link.problem.reason}, ${visibleLine(link.problem.message)}`}`,
    );
  }
  for (const item of traced.implementations)
    found.push(
      `  implemented by ${visibleLine(item.file)}:${item.line}${item.symbol === null ? '' : ` ${visibleLine(item.symbol)}`} (${item.origin})${item.problem === undefined ? '' : `: ${visibleLine(item.problem.message)}`}`,
    );
  if (traced.criterion.gap !== undefined) found.push(`  gap: ${visibleLine(traced.criterion.gap)}`);
  else if (traced.links.length === 0) found.push('  nothing verifies it');
  return found;
}

export async function links(input: Input, context: CommandContext): Promise<number> {
  const id = input.args[0];
  return withProject(context, async (project) => {
    await noteSync(project, context);
    return settle(context, analyse(project), ({ graph, catalog }) => {
      const known = catalog.specs.some((spec) => spec.id === id);
      const chosen = graph.criteria.filter(
        (traced) => id === undefined || traced.spec.id === id || traced.criterion.id === id,
      );
      if (id !== undefined && !known && chosen.length === 0)
        return reportFailures([unknownId(id, catalog)], context.streams);
      const specs = Object.entries(graph.specImplementations).filter(([spec]) => id === undefined || spec === id);
      if (context.json) {
        return printJson(context, {
          criteria: chosen.map((traced) => ({
            id: traced.criterion.id,
            spec: traced.spec.id,
            verified_by: traced.links.map(plainLink),
            implemented_by: traced.implementations.map(plainImplementation),
          })),
          specs: specs.map(([spec, items]) => ({ id: spec, implemented_by: items.map(plainImplementation) })),
        });
      }
      for (const traced of chosen) context.streams.out(`${lines(traced).join('\n')}\n`);
      for (const [spec, items] of specs)
        for (const item of items)
          context.streams.out(
            `${visibleLine(spec)} implemented by ${visibleLine(item.file)}:${item.line}${item.symbol === null ? '' : ` ${visibleLine(item.symbol)}`}\n`,
          );
      return 0;
    });
  });
}

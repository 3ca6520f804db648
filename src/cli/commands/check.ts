/** `check`: specs and links, without running anything. */
import { resolve } from 'node:path';
import { analyse } from '../../app/index.js';
import { diagnosticsText, sarifOfDiagnostics } from '../../report/index.js';
import { writeAtomically } from '../../util/files.js';
import { counted } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { noteSync, settle, withProject } from './context.js';

const FORMATS = ['text', 'json', 'sarif'];

export async function check(input: Input, context: CommandContext): Promise<number> {
  const format = context.json ? 'json' : (input.text('format') ?? 'text');
  if (!FORMATS.includes(format))
    return reportFailures(
      [{ kind: 'usage', message: `--format cannot be "${format}".`, hint: `Allowed: ${FORMATS.join(', ')}.` }],
      context.streams,
    );
  return withProject(context, async (project) => {
    await noteSync(project, context);
    return settle(context, analyse(project), async ({ graph, catalog }) => {
      const { diagnostics } = graph;
      const shown = context.quiet ? diagnostics.filter((item) => item.severity !== 'note') : diagnostics;
      const counts = { error: 0, warning: 0, note: 0 };
      for (const item of diagnostics) counts[item.severity] += 1;
      const text =
        format === 'json'
          ? `${JSON.stringify({ schema: 'coherence.check/1', specs: catalog.specs.length, criteria: graph.criteria.length, counts, diagnostics }, null, 2)}\n`
          : format === 'sarif'
            ? sarifOfDiagnostics(diagnostics)
            : `${diagnosticsText(shown, context.color)}${counted(catalog.specs.length, 'spec')}, ${counted(graph.criteria.length, 'criterion', 'criteria')}\n`;
      const out = input.text('out');
      if (out === undefined) context.streams.out(text);
      else await writeAtomically(resolve(context.cwd, out), text);
      return counts.error > 0 ? 1 : 0;
    });
  });
}

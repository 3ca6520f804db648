/** `doctor [--fix] [--repair]` */
import { diagnose, fixDolt, repairJournal } from '../../app/index.js';
import { painter } from '../../report/index.js';
import { visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, withProject } from './context.js';

export async function doctor(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) => {
    if (input.flag('repair')) {
      const repaired = await repairJournal(project);
      if (!repaired.ok) return reportFailures(repaired.failures, context.streams);
      context.streams.out(`${visibleLine(repaired.value)}\n`);
    }
    if (input.flag('fix')) {
      const fixed = await fixDolt(
        project,
        (line) => context.streams.err(`${visibleLine(line)}\n`),
        context.env,
        context.signal,
      );
      if (!fixed.ok) return reportFailures(fixed.failures, context.streams);
      context.streams.out(`dolt: ${visibleLine(fixed.value)}\n`);
    }
    const findings = await diagnose(project, context.env);
    if (context.json) return printJson(context, { schema: 'coherence.doctor/1', findings });
    const paint = painter(context.color);
    for (const finding of findings) {
      const mark = finding.state === 'ok' ? paint('green', 'ok     ') : paint('yellow', finding.state.padEnd(7));
      context.streams.out(`${mark} ${finding.name.padEnd(15)} ${visibleLine(finding.detail)}\n`);
      if (finding.disables !== '')
        context.streams.out(`        without it: ${finding.disables}\n        ${finding.remedy}\n`);
    }
    return 0;
  });
}

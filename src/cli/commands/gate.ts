/** `gate`: git's pre-push lines on standard input → pass, block, could not verify. */
import { blockedText, judgeGate, type PushVerdict } from '../../app/index.js';
import { lineProgress } from '../../report/index.js';
import { visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, withProject } from './context.js';
import { oneOf } from './spec.js';

async function standardInput(): Promise<string> {
  if (process.stdin.isTTY === true) return '';
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer); // no encoding is set, so chunks are buffers
  return Buffer.concat(chunks).toString('utf8');
}

const plain = (verdict: PushVerdict): object => ({
  tip: verdict.tip,
  refs: verdict.refs,
  base: verdict.base,
  outcome: verdict.outcome,
  affected: verdict.affected,
  why: Object.fromEntries(verdict.why),
  trouble: verdict.trouble,
  blockers: verdict.blockers.map(({ criterion, title, why }) => ({ criterion, title, why })),
  debt: verdict.debt.map(({ criterion, title, why }) => ({ criterion, title, why })),
  run: verdict.record?.run ?? null,
});

export async function gate(input: Input, context: CommandContext): Promise<number> {
  const text = await standardInput();
  const policy = oneOf(['delta', 'full', 'strict'] as const, input.text('policy'));
  const remote = input.text('remote');
  return withProject(context, async (project) => {
    const progress = lineProgress(
      context.streams.interactive && !context.quiet ? context.streams.err : null,
      context.streams.columns,
      context.quiet ? () => undefined : context.streams.err,
      context.verbose,
    );
    const judged = await judgeGate(
      project,
      { input: text, ...(remote === undefined ? {} : { remote }), ...(policy === undefined ? {} : { policy }) },
      { env: context.env, signal: context.signal, emit: progress.listen },
    );
    progress.end();
    if (context.signal.aborted) return 130;
    const allow = project.settings.gate.on_error === 'allow';
    if (!judged.ok) {
      const code = reportFailures(judged.failures, context.streams);
      return code === 64 ? 64 : letThrough(context, allow);
    }
    const verdicts = judged.value;
    if (context.json) printJson(context, { schema: 'coherence.gate/1', pushes: verdicts.map(plain) });
    for (const verdict of verdicts) {
      if (verdict.outcome === 'blocked')
        context.streams.err(
          blockedText(
            verdict.tip,
            verdict.blockers,
            verdict.debt.length,
            `git checkout ${verdict.tip.slice(0, 12)} && coherence verify ${verdict.blockers
              .slice(0, 3)
              .map((item) => item.criterion)
              .join(' ')}`,
          ),
        );
      for (const line of verdict.trouble.slice(0, 10)) context.streams.err(`${visibleLine(line)}\n`);
      if (verdict.outcome === 'pass' && !context.quiet) context.streams.err(passedText(verdict));
    }
    if (verdicts.some((verdict) => verdict.outcome === 'blocked')) return 1;
    return verdicts.some((verdict) => verdict.outcome === 'could-not-verify') ? letThrough(context, allow) : 0;
  });
}

const named = (items: PushVerdict['debt']): string =>
  `${visibleLine(
    items
      .slice(0, 5)
      .map((item) => item.criterion)
      .join(', '),
  )}${items.length > 5 ? ', …' : ''}`;

/** "Nothing got worse" must not be read as "all verified": what could not run here stands beside it, with what is missing. */
function passedText(verdict: PushVerdict): string {
  const unavailable = verdict.debt.filter((item) => item.record?.reason.startsWith('unavailable:') === true);
  const open = verdict.debt.filter((item) => !unavailable.includes(item));
  const missing = [...new Set(unavailable.map((item) => item.record?.reason ?? ''))].map(visibleLine).join(', ');
  return `${verdict.tip.slice(0, 12)}: ${verdict.affected} affected criteria, nothing got worse${unavailable.length > 0 ? `; ${unavailable.length} could NOT be verified here (${missing}): ${named(unavailable)}` : ''}${open.length > 0 ? `; ${open.length} were open before: ${named(open)}` : ''}\n`;
}

/** `gate.on_error: allow` lets an unverified push through, and says so where nobody can miss it. */
function letThrough(context: CommandContext, allow: boolean): number {
  if (!allow) {
    context.streams.err(
      'The push could not be verified, so it is blocked (gate.on_error: block). Skip once: git push --no-verify\n',
    );
    return 2;
  }
  context.streams.err('\n*** NOT VERIFIED: this push goes through only because gate.on_error is "allow". ***\n\n');
  return 0;
}

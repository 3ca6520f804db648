import type { Diagnostic } from '../model/index.js';
import { counted, visibleLine } from '../util/text.js';
import { painter } from './paint.js';

const STYLE = { error: 'red', warning: 'yellow', note: 'cyan' } as const;

/** `file:line:column: severity: message [code]`, one a line, and the counts. */
export function diagnosticsText(diagnostics: readonly Diagnostic[], color: boolean): string {
  const paint = painter(color);
  const lines = diagnostics.map(
    (item) =>
      `${visibleLine(item.file)}:${item.line}:${item.column}: ${paint(STYLE[item.severity], item.severity)}: ${visibleLine(item.message)}${item.hint === undefined ? '' : ` ${visibleLine(item.hint)}`} [${item.code}]`,
  );
  const count = (severity: string): number => diagnostics.filter((item) => item.severity === severity).length;
  lines.push((['error', 'warning', 'note'] as const).map((level) => counted(count(level), level)).join(', '));
  return `${lines.join('\n')}\n`;
}

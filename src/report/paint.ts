import { styleText } from 'node:util';
import type { Verdict } from '../model/index.js';

export type Paint = (style: 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'magenta' | 'cyan', text: string) => string;

/** Colours, or plain text where colours are off. */
export const painter =
  (color: boolean): Paint =>
  (style, text) =>
    color ? styleText(style, text, { validateStream: false }) : text;

export const VERDICT_STYLE = { PASS: 'green', FAIL: 'red', SKIP: 'yellow', ERROR: 'magenta' } as const satisfies Record<
  Verdict,
  Parameters<Paint>[0]
>;

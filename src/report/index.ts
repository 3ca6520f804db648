import { json } from './json.js';
import { junit } from './junit.js';
import { md } from './md.js';
import type { Reporter } from './reporter.js';
import { sarif } from './sarif.js';
import { tap } from './tap.js';
import { text } from './text.js';

/** All formats of a run's record; `--reporter NAME[:FILE]` picks by name. */
export const REPORTERS: readonly Reporter[] = [text, json, junit, sarif, md, tap];

export * from './coverage/index.js';
export { diagnosticsText } from './diagnostics.js';
export { markdown } from './md.js';
export { lineProgress, type Progress } from './progress/line.js';
export { painter, VERDICT_STYLE, type Paint } from './paint.js';
export type { Reporter, RenderOptions } from './reporter.js';
export { sarifOfDiagnostics } from './sarif.js';
export { reasonOf, summaryLine } from './text.js';
export { xml } from './xml.js';

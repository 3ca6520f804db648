import { DIAGNOSTIC_SEVERITY, type Diagnostic, type DiagnosticCode, type Position } from '../model/index.js';

/** A diagnostic with the severity that its code has. */
export const diagnostic = (
  code: DiagnosticCode,
  position: Position,
  message: string,
  more: { hint?: string; id?: string } = {},
): Diagnostic => ({
  code,
  severity: DIAGNOSTIC_SEVERITY[code],
  file: position.file,
  line: position.line,
  column: position.column,
  message,
  ...more,
});

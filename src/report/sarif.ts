/** SARIF 2.1.0 for code scanning: diagnostics, and every criterion that FAILed or could not be verified, at file:line. */
import { DIAGNOSTIC_SEVERITY, type Diagnostic, type RunRecord } from '../model/index.js';
import type { Reporter } from './reporter.js';

interface Finding {
  readonly rule: string;
  readonly level: 'error' | 'warning' | 'note';
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const LEVEL = { error: 'error', warning: 'warning', note: 'note' } as const;

const fromDiagnostic = (item: Diagnostic): Finding => ({
  rule: item.code,
  level: LEVEL[item.severity],
  message: item.hint === undefined ? item.message : `${item.message}. ${item.hint}`,
  file: item.file,
  line: item.line,
  column: item.column,
});

function document(findings: readonly Finding[]): string {
  const rules = [...new Set([...Object.keys(DIAGNOSTIC_SEVERITY), ...findings.map((finding) => finding.rule)])].sort();
  return `${JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'coherence', rules: rules.map((id) => ({ id })) } },
          results: findings.map((finding) => ({
            ruleId: finding.rule,
            level: finding.level,
            message: { text: finding.message },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: finding.file.split('/').map(encodeURIComponent).join('/') },
                  region: { startLine: Math.max(1, finding.line), startColumn: Math.max(1, finding.column) },
                },
              },
            ],
          })),
        },
      ],
    },
    null,
    2,
  )}\n`;
}

/** Diagnostics alone, for `check`. */
export const sarifOfDiagnostics = (diagnostics: readonly Diagnostic[]): string =>
  document(diagnostics.map(fromDiagnostic));

function fromRecord(record: RunRecord): Finding[] {
  return record.specs.flatMap((spec) =>
    spec.criteria.flatMap((criterion) =>
      criterion.checks
        .filter((check) => check.verdict === 'FAIL' || check.verdict === 'ERROR')
        .map((check): Finding => ({
          rule: check.verdict === 'FAIL' ? 'criterion-failed' : 'criterion-not-verified',
          level: 'error',
          message: `${criterion.id} ${criterion.title}: ${check.verdict}(${check.reason}) ${check.link}${check.detail === undefined ? '' : `: ${check.detail}`}`,
          file: check.file ?? 'specs',
          line: check.line ?? 1,
          column: 1,
        })),
    ),
  );
}

export const sarif: Reporter = {
  name: 'sarif',
  render: (record) => document([...record.diagnostics.map(fromDiagnostic), ...fromRecord(record)]),
};

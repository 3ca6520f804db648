/** JUnit XML: a suite a spec, a case a criterion, with the requirement as properties (the form that test managers read). */
import type { CriterionRecord, SpecRecord } from '../model/index.js';
import type { Reporter } from './reporter.js';
import { xml } from './xml.js';

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);
const durationOf = (criterion: CriterionRecord): number =>
  criterion.checks.reduce((sum, check) => sum + check.duration_ms, 0);

function result(criterion: CriterionRecord): string {
  const detail = criterion.detail ?? '';
  const body = criterion.checks
    .filter((check) => check.verdict === criterion.verdict)
    .map((check) => `${check.link}\n${check.detail ?? ''}\n${check.message ?? ''}`.trim())
    .join('\n\n');
  switch (criterion.verdict) {
    case 'PASS':
      return '';
    case 'SKIP':
      return `\n      <skipped message="${xml(`${criterion.reason}${detail === '' ? '' : `: ${detail}`}`)}"/>`;
    case 'FAIL':
      return `\n      <failure type="${xml(criterion.reason)}" message="${xml(detail)}">${xml(body)}</failure>`;
    case 'ERROR':
      return `\n      <error type="${xml(criterion.reason)}" message="${xml(detail)}">${xml(body)}</error>`;
  }
}

function testcase(spec: SpecRecord, criterion: CriterionRecord): string {
  const properties: [string, string][] = [
    ['requirement', criterion.id],
    ['spec', spec.id],
    ['verdict', criterion.verdict],
    ['reason', criterion.reason],
    ['risk', criterion.risk],
    ['wording', criterion.wording],
  ];
  for (const check of criterion.checks)
    properties.push(
      ['verified_by', check.link],
      ...(check.proof === null ? [] : [['proof', check.proof] as [string, string]]),
      ...(check.flaky === undefined ? [] : [['flaky', check.flaky] as [string, string]]),
    );
  const inner = properties
    .map(([name, value]) => `        <property name="${xml(name)}" value="${xml(value)}"/>`)
    .join('\n');
  return `    <testcase classname="${xml(spec.id)}" name="${xml(`${criterion.id} ${criterion.title}`)}" time="${seconds(durationOf(criterion))}">\n      <properties>\n${inner}\n      </properties>${result(criterion)}\n    </testcase>`;
}

export const junit: Reporter = {
  name: 'junit',
  render(record) {
    const suites = record.specs.map((spec) => {
      const count = (verdict: string): number =>
        spec.criteria.filter((criterion) => criterion.verdict === verdict).length;
      const time = spec.criteria.reduce((sum, criterion) => sum + durationOf(criterion), 0);
      return `  <testsuite name="${xml(spec.id)}" tests="${spec.criteria.length}" failures="${count('FAIL')}" errors="${count('ERROR')}" skipped="${count('SKIP')}" time="${seconds(time)}" timestamp="${xml(record.started_at)}">\n${spec.criteria.map((criterion) => `${testcase(spec, criterion)}\n`).join('')}  </testsuite>\n`;
    });
    const { pass, fail, skip, error, duration_ms } = record.summary;
    return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="coherence" tests="${pass + fail + skip + error}" failures="${fail}" errors="${error}" skipped="${skip}" time="${seconds(duration_ms)}">\n${suites.join('')}</testsuites>\n`;
  },
};

/**
 * Honest mistakes with `run:` links: what a report says, and what an exit code can say.
 */
import type { Mistake } from './rig.js';

const suites = (attributes: string, content: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="s" ${attributes}>${content}</testsuite></testsuites>\n`;

/** A row whose line copies a report that stands in the project, as a test tool would write it. */
export function junitRow(id: string, tried: string, xml: string, wanted: Mistake['wanted'], more = ''): Mistake {
  return {
    id,
    tried,
    files: { [`reports/${id}.src`]: xml },
    link: `{ run: "mkdir -p out && cat reports/${id}.src > out/${id}.xml", expect: { report: "junit:out/${id}.xml"${more} } }`,
    wanted,
  };
}

export function tapRow(id: string, tried: string, tap: string, wanted: Mistake['wanted']): Mistake {
  return {
    id,
    tried,
    files: { [`reports/${id}.tap`]: tap },
    link: `{ run: "cat reports/${id}.tap", expect: { report: tap } }`,
    wanted,
  };
}

const SKIP = 'SKIP(runner-skipped)';
const FAIL = 'FAIL(assertion)';
const UNTOLD = 'ERROR(not-reported)';
const PASS = 'PASS(executed)';

/** `verdicts.md` r36, r37 and the folders 09 and 10, with their siblings. */
export const JUNIT: readonly Mistake[] = [
  junitRow('r36', 'status="notrun"', suites('tests="1"', '<testcase name="a" status="notrun"/>'), SKIP),
  junitRow('r37', 'result="suppressed"', suites('', '<testcase name="a" status="run" result="suppressed"/>'), SKIP),
  junitRow('r37b', 'result="skipped"', suites('', '<testcase name="a" status="run" result="skipped"/>'), SKIP),
  junitRow('status-failed', 'status="failed", no element', suites('', '<testcase name="a" status="failed"/>'), FAIL),
  junitRow('status-disabled', 'CTest: status="disabled"', suites('', '<testcase name="a" status="disabled"/>'), SKIP),
  junitRow('status-odd', 'a status that nobody knows', suites('', '<testcase name="a" status="maybe"/>'), UNTOLD),
  junitRow(
    'one-of-two',
    'one of two is disabled',
    suites('tests="2" disabled="1"', '<testcase name="a"/><testcase name="DISABLED_b" status="notrun"/>'),
    SKIP,
  ),
  junitRow(
    'one-is-enough',
    'one of two is disabled, and one is enough',
    suites('tests="2" disabled="1"', '<testcase name="a"/><testcase name="DISABLED_b" status="notrun"/>'),
    PASS,
    ', min_executed: 1',
  ),
  junitRow('errors-said', 'errors="1" of an empty suite', suites('errors="1"', ''), FAIL),
  junitRow('failures-said', 'failures="1", one case that passed', suites('failures="1"', '<testcase name="a"/>'), FAIL),
  junitRow('suite-error', 'an error of the suite', suites('', '<error message="no"/><testcase name="a"/>'), FAIL),
  junitRow('tests-said', 'tests="2", one is listed', suites('tests="2"', '<testcase name="a"/>'), UNTOLD),
  junitRow('empty-suite', 'no test at all', suites('tests="0"', ''), UNTOLD),
  junitRow('right', 'all is well', suites('tests="1" failures="0" errors="0"', '<testcase name="a"/>'), PASS),
  junitRow(
    'entity',
    'an external entity',
    `<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]>${suites('', '<testcase name="&x;"/>')}`,
    UNTOLD,
  ),
  junitRow(
    'bomb',
    'entities that grow',
    `<!DOCTYPE t [<!ENTITY a "${'x'.repeat(1000)}"><!ENTITY b "${'&a;'.repeat(1000)}"><!ENTITY c "${'&b;'.repeat(1000)}">]>${suites('', '<testcase name="&c;"/>')}`,
    UNTOLD,
  ),
  junitRow(
    'deep',
    '3,000 nested suites',
    `${'<testsuite>'.repeat(3000)}<testcase name="a"/>${'</testsuite>'.repeat(3000)}`,
    UNTOLD,
  ),
  junitRow('cut', 'a report that is cut', suites('', '<testcase name="a"/>').slice(0, -20), UNTOLD),
  junitRow('no-xml', 'no XML', 'PASS\n', UNTOLD),
  junitRow('other-root', 'another document', '<html/>', UNTOLD),
  junitRow(
    'utf16-claimed',
    'another encoding than it claims',
    suites('', '<testcase name="a"/>').replace('UTF-8', 'UTF-16'),
    UNTOLD,
  ),
  {
    id: 'stale',
    tried: 'the report of an earlier run',
    files: { 'stale.xml': suites('', '<testcase name="a"/>') },
    link: '{ run: "true", expect: { report: "junit:stale.xml" } }',
    wanted: UNTOLD,
  },
];

export const TAP: readonly Mistake[] = [
  tapRow('tap-skipped', '# SKIPPED', '1..1\nok 1 - a # SKIPPED no lamp\n', SKIP),
  tapRow('tap-skip-lower', '# skip', '1..1\nok 1 - a # skip\n', SKIP),
  tapRow('tap-todo', 'not ok # TODO', '1..1\nnot ok 1 - a # TODO later\n', SKIP),
  tapRow('tap-bail', 'Bail out!', '1..2\nok 1 - a\nBail out! no lamp\n', UNTOLD),
  tapRow('tap-plan', 'a plan of two, one point', '1..2\nok 1 - a\n', UNTOLD),
  tapRow('tap-plan-none', 'no plan', 'ok 1 - a\n', UNTOLD),
  tapRow('tap-nested-skip', 'all subtests skipped', '1..1\n    ok 1 - b # SKIP\n    1..1\nok 1 - a\n', SKIP),
  tapRow('tap-nested-fail', 'a subtest failed', '1..1\n    not ok 1 - b\n    1..1\nok 1 - a\n', FAIL),
  tapRow('tap-nested-none', 'a suite without tests', '1..1\n    1..0\nok 1 - a\n', UNTOLD),
  tapRow('tap-right', 'all is well', '1..1\n    ok 1 - b\n    1..1\nok 1 - a\n', PASS),
];

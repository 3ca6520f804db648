import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caseFor, copyOf, docCase, noCargo, runCases, type Folder, type Ran } from './rig.js';

describe.skipIf(noCargo !== null)('every way in which a Rust test can end', () => {
  let project: Folder;
  let ran: Ran;
  const lib = (name: string) => caseFor(`src/lib.rs::${name}`, name === 'sleeps' ? { timeoutMs: 700 } : {});
  const cases = [
    ...[
      'passes',
      'fails',
      'ignored',
      'panics_as_it_should',
      'panics_otherwise',
      'gives_an_error',
      'returns_early',
      'exits_with_zero',
      'exits_with_three',
      'prints_success_and_exits',
      'writes_its_own_report',
      'aborts',
      'overflows_the_stack',
      'sleeps',
      'leaves_a_child_behind',
      'tests::passes',
      'tests::table::doubles',
      'tests::table::mixed',
      'only_with_extra',
      'passes_not',
      'pass',
    ].map(lib),
    caseFor('src/deep/mod.rs::inner::in_an_inline_module'),
    caseFor('src/deep/leaf.rs::reached'),
    caseFor('src/elsewhere.rs::under_another_name'),
    caseFor('src/orphan.rs::never_compiled'),
    caseFor('src/bin/tool.rs::inside_the_program'),
    caseFor('tests/whole.rs::sees_the_program'),
    caseFor('tests/whole.rs::runs_in_the_package'),
    caseFor('tests/tree/mod.rs::in_a_helper_module'),
    caseFor('tests/bare.rs'),
    caseFor('tests/bare_fails.rs'),
    caseFor('tests/bare.rs::main'),
    caseFor('examples/shown.rs::in_an_example'),
    caseFor('benches/speed.rs::in_a_bench'),
    caseFor('tests/absent.rs::nothing'),
    caseFor('tests/whole.rs'),
    docCase('src/lib.rs', ['doctest', '(line 3)'], 3),
    docCase('src/lib.rs', ['doctest', 'double (line 13)'], 13),
    docCase('src/lib.rs', ['doctest', 'double (line 17)'], 17),
    docCase('src/lib.rs', ['doctest', 'double (line 21)'], 21),
    docCase('src/lib.rs', ['doctest', 'double (line 25)'], 25),
    docCase('src/lib.rs', ['doctest', 'double (line 29)'], 29),
    docCase('src/lib.rs', ['doctest', 'double (line 33)'], 33),
    docCase('src/lib.rs', ['doctest', 'double (line 14)'], 14),
    docCase('src/deep/leaf.rs', ['doctest', 'yes (line 1)'], 1),
  ];
  beforeAll(async () => {
    project = await copyOf('kinds');
    ran = await runCases(project.path, cases);
  });
  afterAll(async () => project.remove());

  // @verifies AC-cargo-exact-verdicts, AC-cargo-early-end, AC-cargo-doc-tests, AC-cargo-no-harness
  it('each gets exactly its verdict', () => {
    expect(ran.verdicts).toEqual({
      'src/lib.rs::passes': 'PASS(executed)',
      'src/lib.rs::fails': 'FAIL(assertion)',
      'src/lib.rs::ignored': 'SKIP(runner-skipped)',
      'src/lib.rs::panics_as_it_should': 'PASS(executed)',
      'src/lib.rs::panics_otherwise': 'FAIL(assertion)',
      'src/lib.rs::gives_an_error': 'FAIL(assertion)',
      'src/lib.rs::returns_early': 'PASS(executed)',
      'src/lib.rs::exits_with_zero': 'ERROR(crash)',
      'src/lib.rs::exits_with_three': 'ERROR(crash)',
      'src/lib.rs::prints_success_and_exits': 'ERROR(crash)',
      'src/lib.rs::writes_its_own_report': 'ERROR(not-reported)',
      'src/lib.rs::aborts': 'ERROR(crash)',
      'src/lib.rs::overflows_the_stack': 'ERROR(crash)',
      'src/lib.rs::sleeps': 'FAIL(timeout)',
      'src/lib.rs::leaves_a_child_behind': 'PASS(executed)',
      'src/lib.rs::tests::passes': 'PASS(executed)',
      'src/lib.rs::tests::table::doubles': 'PASS(executed)',
      'src/lib.rs::tests::table::mixed': 'FAIL(assertion)',
      'src/lib.rs::only_with_extra': 'ERROR(not-found)',
      'src/lib.rs::passes_not': 'ERROR(not-found)',
      'src/lib.rs::pass': 'ERROR(not-found)',
      'src/deep/mod.rs::inner::in_an_inline_module': 'PASS(executed)',
      'src/deep/leaf.rs::reached': 'PASS(executed)',
      'src/elsewhere.rs::under_another_name': 'PASS(executed)',
      'src/orphan.rs::never_compiled': 'ERROR(not-found)',
      'src/bin/tool.rs::inside_the_program': 'PASS(executed)',
      'tests/whole.rs::sees_the_program': 'PASS(executed)',
      'tests/whole.rs::runs_in_the_package': 'PASS(executed)',
      'tests/tree/mod.rs::in_a_helper_module': 'PASS(executed)',
      'tests/bare.rs': 'PASS(executed)',
      'tests/bare_fails.rs': 'FAIL(exit-code)',
      'tests/bare.rs::main': 'ERROR(not-reported)',
      'examples/shown.rs::in_an_example': 'PASS(executed)',
      'benches/speed.rs::in_a_bench': 'PASS(executed)',
      'tests/absent.rs::nothing': 'ERROR(not-found)',
      'tests/whole.rs': 'PASS(executed)',
      'src/lib.rs::doctest::(line 3)': 'PASS(executed)',
      'src/lib.rs::doctest::double (line 13)': 'PASS(executed)',
      'src/lib.rs::doctest::double (line 17)': 'PASS(executed)',
      'src/lib.rs::doctest::double (line 21)': 'PASS(executed)',
      'src/lib.rs::doctest::double (line 25)': 'SKIP(runner-skipped)',
      'src/lib.rs::doctest::double (line 29)': 'FAIL(assertion)',
      'src/lib.rs::doctest::double (line 33)': 'ERROR(not-reported)',
      'src/lib.rs::doctest::double (line 14)': 'ERROR(not-found)',
      'src/deep/leaf.rs::doctest::yes (line 1)': 'PASS(executed)',
    });
  });

  // @verifies AC-cargo-no-harness
  it('says what a pass rests on', () => {
    expect(ran.of('src/lib.rs::passes').proof).toBe('report');
    expect(ran.of('tests/bare.rs').proof).toBe('exit-code');
    expect(ran.of('tests/bare_fails.rs').exitCode).toBe(4);
  });

  // @verifies AC-cargo-exact-verdicts
  it('tells what went wrong in one line', () => {
    expect(ran.of('src/lib.rs::fails').detail).toMatch(/twice two.*src\/lib\.rs:\d+/u);
    expect(ran.of('src/lib.rs::ignored').detail).toContain('needs a moon');
    expect(ran.of('src/lib.rs::panics_otherwise').detail).toContain('did not contain expected string');
    expect(ran.of('src/lib.rs::tests::table::mixed').detail).toMatch(/case_2.*1 of 2/u);
    expect(ran.of('src/lib.rs::sleeps').detail).toContain('700 ms');
  });

  // @verifies AC-cargo-features, AC-cargo-ignored
  it('builds with the features of a link and runs an ignored test when the link says so', async () => {
    const again = await runCases(project.path, [
      caseFor('src/lib.rs::only_with_extra', { features: ['extra'] }),
      caseFor('src/lib.rs::ignored', { ignored: true }),
      caseFor('src/lib.rs::tests::passes', { features: ['no-such'] }),
    ]);
    expect(again.verdicts).toEqual({
      'src/lib.rs::only_with_extra': 'PASS(executed)',
      'src/lib.rs::ignored': 'PASS(executed)',
      'src/lib.rs::tests::passes': 'ERROR(build)',
    });
  });
});

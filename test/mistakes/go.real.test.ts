/** Honest mistakes with Go tests: the definition that carries the tag is the one that must have run. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judge, mistakesProject, wrongRows, type Mistake } from './rig.js';
import type { TestProject } from '../rig/project.js';

const present = spawnSync('go', ['version']).status === 0;

const header = (name: string): string => `package ${name}\n\nimport "testing"\n\n`;
const passes = (id: string, name: string): string =>
  `// @verifies AC-${id}\nfunc ${name}(t *testing.T) {\n\tif 1+1 != 2 {\n\t\tt.Fatal()\n\t}\n}\n\n`;
const fails = (id: string, name: string): string =>
  `// @verifies AC-${id}\nfunc ${name}(t *testing.T) {\n\tt.Fatal("must not count")\n}\n\n`;
const stub = (name: string): string => `func ${name}(t *testing.T) {\n\tif 1+1 != 2 {\n\t\tt.Fatal()\n\t}\n}\n\n`;
const sub = (id: string, title: string, body = 'if 1+1 != 2 { t.Fatal() }'): string =>
  `\t// @verifies AC-${id}\n\tt.Run(${title}, func(t *testing.T) { ${body} })\n`;
const bad = 't.Fatal("must not count")';
const row = (id: string, tried: string, wanted: Mistake['wanted'], files: Mistake['files'] = {}): Mistake => ({
  id,
  tried,
  wanted,
  files,
});

const OUT = 'SKIP(configured-out)';
const PASS = 'PASS(executed)';
const FAIL = 'FAIL(assertion)';
const AMBIGUOUS = 'ERROR(ambiguous-selector)';
const NONE = 'ERROR(not-found)';

/** What the build leaves out: all in one package, so that one program is linked. */
const OF_THE_BUILD: readonly Mistake[] = [
  row('g03', 'the same TestLock in lock_windows_test.go (tagged) and lock_linux_test.go', OUT, {
    'sys/lock_windows_test.go': header('sys') + fails('g03', 'TestLock'),
    'sys/lock_linux_test.go': header('sys') + stub('TestLock'),
    'sys/lock_darwin_test.go': header('sys') + stub('TestLock'),
  }),
  row('g04', '//go:build integration (tagged) with a stub that passes', OUT, {
    'sys/db_integration_test.go': `//go:build integration\n\n${header('sys')}${fails('g04', 'TestDB')}`,
    'sys/db_test.go': `//go:build !integration\n\n${header('sys')}${stub('TestDB')}`,
  }),
  row('g04-or', 'a constraint of several systems, its twin runs', OUT, {
    'sys/path_other_test.go': `//go:build windows || plan9\n\n${header('sys')}${fails('g04-or', 'TestPath')}`,
    'sys/path_test.go': `//go:build !windows && !plan9\n\n${header('sys')}${stub('TestPath')}`,
  }),
  row('g04-ignore', '//go:build ignore', OUT, {
    'sys/ignored_test.go': `//go:build ignore\n\n${header('sys')}${fails('g04-ignore', 'TestIgnored')}`,
  }),
  row('g04-machine', 'a file for another machine by its name', OUT, {
    'sys/word_s390x_test.go': header('sys') + fails('g04-machine', 'TestWord'),
  }),
  row('g04-all-out', 'a package of which nothing is built', OUT, {
    'none/only_test.go': `//go:build never\n\n${header('none')}${fails('g04-all-out', 'TestOnly')}`,
  }),
  row('g04-plus', 'a // +build line of old', OUT, {
    'sys/plus_test.go': `// +build integration\n\n${header('sys')}${fails('g04-plus', 'TestPlus')}`,
  }),
  row('g04-link', 'a link in the spec to a file that is not built', OUT, {
    'sys/link_windows_test.go': `${header('sys')}func TestLink(t *testing.T) { ${bad} }\n`,
  }),
  row('g23', 'a test file in a folder _old', NONE, { '_old/x_test.go': header('old') + passes('g23', 'TestOld') }),
  row('g23-testdata', 'a test file below testdata', 'not PASS', {
    'sys/testdata/a/x_test.go': header('a') + passes('g23-testdata', 'TestData'),
  }),
  row('g23-dot', 'a test file in a folder .attic', 'not PASS', {
    '.attic/x_test.go': header('attic') + passes('g23-dot', 'TestAttic'),
  }),
  row('g23-file', 'a test file whose own name begins with _', NONE, {
    'sys/_off_test.go': header('sys') + passes('g23-file', 'TestOff'),
  }),
].map((one) =>
  one.id === 'g04-link' ? { ...one, link: '{ test: "sys/link_windows_test.go::TestLink", runner: go }' } : one,
);

const TURNS = `${header('turns')}
func TestTwo(t *testing.T) {
${sub('g19-first', '"same"')}${sub('g19', '"same"', bad)}}

func TestThree(t *testing.T) {
${sub('t3-a', '"x"')}${sub('t3-b', '"x"')}${sub('t3-c', '"x"', bad)}}

func TestInner(t *testing.T) {
	t.Run("same", func(t *testing.T) { t.Run("inner", func(t *testing.T) {}) })
	t.Run("same", func(t *testing.T) {
	${sub('t-inner', '"inner"', bad)}	})
}

func TestSpaces(t *testing.T) {
${sub('t-space', '"a b"')}${sub('t-underscore', '"a_b"', bad)}}

func TestParallel(t *testing.T) {
${sub('t-par-a', '"p"', 't.Parallel()')}${sub('t-par-b', '"p"', `t.Parallel(); ${bad}`)}}

func TestBranch(t *testing.T) {
	if len(t.Name()) == 0 {
	${sub('t-if', '"b"', bad)}	} else {
		t.Run("b", func(t *testing.T) {})
	}
}

func TestTable(t *testing.T) {
	for _, name := range []string{"row", "lit"} {
		t.Run(name, func(t *testing.T) {})
	}
${sub('t-table', '"lit"', bad)}}

func TestTableFine(t *testing.T) {
	for _, name := range []string{"row", "other"} {
		t.Run(name, func(t *testing.T) {})
	}
${sub('t-table-fine', '"lit"')}}

func TestNumber(t *testing.T) {
	t.Run("n#01", func(t *testing.T) {})
	t.Run("n", func(t *testing.T) {})
${sub('t-number', '"n"', bad)}}

func TestOdd(t *testing.T) {
${sub('t-bell', '"bell\\a, line\\nbreak \\u2028 and \\x00"')}${sub('t-slash', '"a/b"')}}

// @verifies AC-t-example
func Example() {
	panic("compiled, not run")
}
`;

const OF_TURNS: readonly Mistake[] = [
  row('g19-first', 'the first of two t.Run of one name', PASS, { 'turns/turns_test.go': TURNS }),
  row('g19', 'the second of two t.Run of one name fails (x#01)', FAIL),
  row('t3-a', 'the first of three', PASS),
  row('t3-b', 'the second of three', PASS),
  row('t3-c', 'the third of three fails', FAIL),
  row('t-inner', 'a subtest of the second of two', FAIL),
  row('t-space', 'a title with a space beside one with _', PASS),
  row('t-underscore', 'its twin with _ fails', FAIL),
  row('t-par-a', 'parallel, the first', PASS),
  row('t-par-b', 'parallel, the second fails', FAIL),
  row('t-if', 'if and else with one title, the other ran', AMBIGUOUS),
  row('t-table', 'a row of a table takes the title, the tagged one fails', AMBIGUOUS),
  row('t-table-fine', 'a table beside a subtest of its own title', PASS),
  row('t-number', 'a title written like a number', 'not PASS'),
  row('t-bell', 'a title of odd characters', PASS),
  row('t-slash', 'a title with a slash', PASS),
  row('t-example', 'an example without output is compiled, not run', 'not PASS'),
];

const twin = (own: string, other: string): Record<string, string> => ({
  'twins/in_test.go': header('twins') + own,
  'twins/out_test.go': header('twins_test') + other,
});
const parallel = (id: string, body: string): string =>
  `// @verifies AC-${id}\nfunc TestPar(t *testing.T) {\n\tt.Parallel()\n\t${body}\n}\n`;
const withSub = (id: string, body: string): string => `func TestSub(t *testing.T) {\n${sub(id, '"s"', body)}}\n`;

/** A package and its external test package with tests of one name. */
const OF_TWINS: readonly Mistake[] = [
  row(
    'w-in',
    'the internal one passes',
    PASS,
    twin(
      passes('w-in', 'TestDup') + fails('w-in-f', 'TestRev') + parallel('w-par-in', bad) + withSub('w-sub-in', ''),
      fails('w-out', 'TestDup') + passes('w-out-p', 'TestRev') + parallel('w-par-out', '') + withSub('w-sub-out', bad),
    ),
  ),
  row('w-out', 'the external one fails', FAIL),
  row('w-in-f', 'the internal one fails', FAIL),
  row('w-out-p', 'the external one passes', PASS),
  row('w-par-in', 'parallel twins, the internal one fails', 'not PASS'),
  row('w-par-out', 'parallel twins, whose order nobody knows', AMBIGUOUS),
  row('w-sub-in', 'subtests of twins', PASS),
  row('w-sub-out', 'subtests of twins, the external one fails', FAIL),
];

/** More names than one argument of a program can hold. */
const MANY: Mistake = {
  ...row('case-31', 'more tests than -run can name at once', PASS, {
    'many/many_test.go':
      header('many') +
      Array.from({ length: 1200 }, (_, i) => stub(`TestOf${'ALongNameAsPeopleWriteThem'.repeat(3)}${i}`)).join(''),
  }),
  link: '{ test: many/many_test.go }',
};

const ROWS = [...OF_THE_BUILD, ...OF_TURNS, ...OF_TWINS, MANY];

describe.skipIf(!present && process.env['CI'] !== 'true')('mistakes with Go tests', () => {
  let project: TestProject;
  beforeAll(async () => {
    project = await mistakesProject(ROWS, { 'go.mod': 'module example.com/mistakes\n\ngo 1.21\n' });
  }, 60_000);
  afterAll(async () => project[Symbol.asyncDispose]());

  // @verifies AC-runners-go-definition, AC-runners-go-turns, AC-runners-go-configured-out, AC-runners-go-many
  it('are never a pass of another definition', async () => {
    expect(wrongRows(ROWS, await judge(project))).toEqual([]);
  }, 120_000);

  // @verifies AC-runners-go-flags, AC-runners-go-configured-out
  it('are judged the same when GOFLAGS choose tests, and with the tags that it sets', async () => {
    const flags = '-failfast -cpu=1,2 -run=Nothing -skip=. -count=3 -shuffle=on "-tags=integration" -short';
    const changed = [
      ...OF_TURNS.filter((one) => one.id !== 't-example'),
      row('g04', 'with the tag it is the one that runs', FAIL),
      row('g04-or', 'tags change nothing for a system', OUT),
    ];
    const criteria = changed.map((one) => `AC-${one.id}`);
    const { record } = await project.verify(['--no-cache', ...criteria], { env: { GOFLAGS: flags } });
    const judged = new Map(
      record.specs.flatMap((spec) => spec.criteria.map((one) => [one.id, `${one.verdict}(${one.reason})`])),
    );
    expect(wrongRows(changed, judged)).toEqual([]);
  }, 120_000);

  // @verifies AC-runners-go-configured-out
  it('say where the condition stands', async () => {
    const { record } = await project.verify(['--no-cache', 'AC-g04', 'AC-g03']);
    const details = record.specs.flatMap((spec) => spec.criteria.map((one) => one.detail));
    expect(details.find((detail) => detail?.includes('db_integration'))).toMatch(
      /sys\/db_integration_test\.go:1 \/\/go:build integration: not built on /u,
    );
    expect(details.find((detail) => detail?.includes('lock_windows'))).toContain(
      'a file name that ends in _windows_test.go: not built on',
    );
  }, 120_000);

  // @verifies AC-runners-go-unavailable
  it.each([
    { name: 'no cache folder', env: { GOCACHE: 'off' }, says: 'GOCACHE' },
    { name: 'a broken installation', env: { GOROOT: '/nonexistent' }, says: 'GOROOT' },
    {
      name: 'a program that the settings name and nobody has',
      env: { COHERENCE_BACKENDS__GO__BIN: 'go-none' },
      says: 'go-none',
    },
  ])(
    'go that cannot work is SKIP with one line: $name',
    async ({ env, says }) => {
      const { record } = await project.verify(['--no-cache', 'AC-g19-first'], { env });
      const [criterion] = record.specs.flatMap((spec) => spec.criteria);
      expect(`${criterion?.verdict}(${criterion?.reason})`).toBe('SKIP(unavailable:go)');
      expect(criterion?.detail).toContain(says);
      expect(criterion?.detail).not.toContain('\n');
    },
    60_000,
  );
});

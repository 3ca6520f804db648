/** Honest mistakes with testify's suites: a tagged method counts only where it ran itself. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judge, mistakesProject, wrongRows, type Mistake } from './rig.js';
import type { TestProject } from '../rig/project.js';

const present = spawnSync('go', ['version']).status === 0;

const row = (id: string, tried: string, wanted: Mistake['wanted'], more: Partial<Mistake> = {}): Mistake => ({
  id,
  tried,
  wanted,
  files: {},
  ...more,
});
const method = (id: string, type: string, name: string, body = 's.Equal(2, 1+1)'): string =>
  `// @verifies AC-${id}\nfunc (s *${type}) ${name}() { ${body} }\n\n`;
const bad = 's.Fail("must not count")';

const SUITES = `package suites

import (
	"testing"

	"github.com/stretchr/testify/suite"
)

type StoreSuite struct{ suite.Suite }

func TestStore(t *testing.T) { suite.Run(t, new(StoreSuite)) }

${method('s-pass', 'StoreSuite', 'TestPass')}${method('s-fail', 'StoreSuite', 'TestFail', bad)}${method('s-skip', 'StoreSuite', 'TestSkip', 's.T().Skip("later")')}${method('s-twin', 'StoreSuite', 'TestTwin')}
func (s *StoreSuite) TestSub() {
	// @verifies AC-s-sub
	s.Run("same", func() { s.True(true) })
	// @verifies AC-s-sub-second
	s.Run("same", func() { ${bad} })
}

// @verifies AC-s-parameter
func (s *StoreSuite) TestParameter(t *testing.T) {}

// @verifies AC-s-helper
func (s *StoreSuite) Helper() {}

type OtherSuite struct{ suite.Suite }

func TestOther(t *testing.T) {
	other := &OtherSuite{}
	suite.Run(t, other)
}

${method('s-twin-fail', 'OtherSuite', 'TestTwin', bad)}
// No function runs it.
type IdleSuite struct{ suite.Suite }

${method('s-idle', 'IdleSuite', 'TestTwin')}
type GuardedSuite struct{ suite.Suite }

func TestGuarded(t *testing.T) {
	if len(t.Name()) == 0 {
		suite.Run(t, &GuardedSuite{})
	}
}

${method('s-guarded', 'GuardedSuite', 'TestIt')}
type FirstSuite struct{ suite.Suite }
type SecondSuite struct{ suite.Suite }

func TestBoth(t *testing.T) {
	suite.Run(t, new(FirstSuite))
	suite.Run(t, new(SecondSuite))
}

${method('s-first', 'FirstSuite', 'TestIt')}${method('s-second', 'SecondSuite', 'TestIt', bad)}
type LoopSuite struct {
	suite.Suite
	size int
}

func TestLoop(t *testing.T) {
	for size := range []int{1, 2} {
		suite.Run(t, &LoopSuite{size: size})
	}
}

${method('s-loop', 'LoopSuite', 'TestAll')}${method('s-loop-one', 'LoopSuite', 'TestOnce', 's.Equal(0, s.size)')}
type SharedSuite struct {
	suite.Suite
	good bool
}

func TestGood(t *testing.T) { suite.Run(t, &SharedSuite{good: true}) }
func TestBad(t *testing.T)  { t.Run("below", func(t *testing.T) { suite.Run(t, &SharedSuite{}) }) }

${method('s-shared', 'SharedSuite', 'TestGood', 's.True(s.good)')}${method('s-shared-fine', 'SharedSuite', 'TestFine')}
type BrokenSuite struct{ suite.Suite }

func (s *BrokenSuite) SetupSuite() { s.T().Fatal("no database") }
func TestBroken(t *testing.T)      { suite.Run(t, new(BrokenSuite)) }

${method('s-setup', 'BrokenSuite', 'TestIt')}
type BaseSuite struct{ suite.Suite }
type DerivedSuite struct{ BaseSuite }

func TestDerived(t *testing.T) { suite.Run(t, new(DerivedSuite)) }

${method('s-hidden', 'BaseSuite', 'TestIt')}${method('s-derived', 'DerivedSuite', 'TestIt')}
func runsFirst(t *testing.T) { t.Run("taken", func(t *testing.T) {}) }

func TestHelperTakesTheName(t *testing.T) {
	runsFirst(t)
	// @verifies AC-s-taken
	t.Run("taken", func(t *testing.T) { t.Fatal("must not count") })
}
`;

const ROWS: readonly Mistake[] = [
  row('s-pass', 'a method of a suite', 'PASS(executed)', {
    files: {
      'suites/suites_test.go': SUITES,
      'suites/far_test.go': `package suites\n\n${method('s-far', 'StoreSuite', 'TestFar')}`,
    },
  }),
  row('s-fail', 'a method that fails', 'FAIL(assertion)'),
  row('s-skip', 'a method that skips itself', 'SKIP(runner-skipped)'),
  row('s-twin', 'a method of a name that another suite has, too', 'PASS(executed)'),
  row('s-twin-fail', 'the other suite’s method of that name fails', 'FAIL(assertion)'),
  row('s-sub', 'a subtest of a method', 'PASS(executed)'),
  row('s-sub-second', 'the second subtest of that name fails', ['FAIL(assertion)', 'ERROR(ambiguous-selector)']),
  row('s-parameter', 'a method with a parameter is no test, testify says', 'FAIL(assertion)'),
  row('s-helper', 'a method that is no test', 'not PASS'),
  row('s-idle', 'a method of a suite that nothing runs', 'not PASS'),
  row('s-guarded', 'a suite below an if that is not taken', 'not PASS'),
  row('s-first', 'two suites in one function with one name, the first', 'PASS(executed)'),
  row('s-second', 'the second fails', 'FAIL(assertion)'),
  row('s-loop', 'a suite that a loop runs twice', 'PASS(executed)'),
  row('s-loop-one', 'it fails the second time', ['FAIL(assertion)', 'ERROR(ambiguous-selector)']),
  row('s-shared', 'two functions run the suite, the method fails in one', 'FAIL(assertion)'),
  row('s-shared-fine', 'two functions run the suite, it passes in both', 'PASS(executed)'),
  row('s-setup', 'SetupSuite fails', 'not PASS'),
  row('s-hidden', 'a base suite’s method that the derived suite hides', 'not PASS'),
  row('s-derived', 'the method that hides it', 'PASS(executed)'),
  row('s-taken', 'a helper takes the title of a subtest first', ['FAIL(assertion)', 'ERROR(ambiguous-selector)']),
  row('s-far', 'a method in another file than the function that runs its suite, by a tag', 'ERROR(dangling-link)'),
  row('s-far-link', 'the same by a link in the spec', 'PASS(executed)', {
    link: '{ test: "suites/far_test.go::TestStore/TestFar", runner: go }',
  }),
];

const MODULE = {
  'go.mod':
    'module example.com/mistakes\n\ngo 1.21\n\nrequire github.com/stretchr/testify v1.12.1\n\nrequire go.yaml.in/yaml/v3 v3.0.5 // indirect\n',
  'go.sum': `github.com/stretchr/testify v1.12.1 h1:EuwCh5fleGS7H32xRwO3wRGT7DxrDhLAT6FF8MpWDWE=
github.com/stretchr/testify v1.12.1/go.mod h1:MDEgiDPPsNp5cuIrHPPCyornHKgEVbtFUmoNlxoYthg=
go.yaml.in/yaml/v3 v3.0.5 h1:N6y/pJk8buWs9NY5ERU2HSMfm+IuD/OtfdAnq6kESPw=
go.yaml.in/yaml/v3 v3.0.5/go.mod h1:HVTZu1O7/Vkt2N+BFy8Zza+lnLsABggaTM2ZpNIGuKg=
`,
};

describe.skipIf(!present && process.env['CI'] !== 'true')('mistakes with suites of testify', () => {
  let project: TestProject;
  beforeAll(async () => {
    project = await mistakesProject(ROWS, MODULE);
  }, 60_000);
  afterAll(async () => project[Symbol.asyncDispose]());

  // @verifies AC-runners-go-suites
  it('are never a pass of another method', async () => {
    expect(wrongRows(ROWS, await judge(project))).toEqual([]);
  }, 180_000);
});

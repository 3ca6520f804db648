import { describe, expect, it } from 'vitest';
import type { Catalog, Criterion, DeclaredLink, FoundFile, FoundLink, FoundTest } from '../../src/model/index.js';
import { namedFiles, parseSelector, trace } from '../../src/trace/index.js';
import { criterion, foundTest, spec } from '../rig/values.js';

const FILE = 'test/a.test.ts';
const suite = foundTest({ kind: 'suite', path: ['cache'], selector: `${FILE} > cache`, line: 2, endLine: 20 });
const hit = foundTest({ path: ['cache', 'hits'], selector: `${FILE} > cache > hits`, line: 3 });
const miss = foundTest({ path: ['cache', 'misses'], selector: `${FILE} > cache > misses`, line: 7 });
const fileOf = (tests: readonly FoundTest[], links: readonly FoundLink[] = []): FoundFile => ({
  file: FILE,
  language: 'typescript',
  tests,
  links,
  symbols: [],
  problems: [],
});
const tag = (over: Partial<FoundLink> = {}): FoundLink => ({
  file: FILE,
  line: 2,
  column: 4,
  relation: 'verifies',
  target: 'AC-a-one',
  source: 'comment',
  binds: { kind: 'test', selector: hit.selector, line: 3 },
  ...over,
});
const catalogOf = (...criteria: readonly Criterion[]): Catalog => ({ specs: [spec({ criteria })] });
const declared = (target: string, over: Partial<DeclaredLink> = {}): DeclaredLink => ({
  kind: 'test',
  target,
  ...over,
});
const graphOf = (catalog: Catalog, file: FoundFile) => trace(catalog, { files: [file] }, new Set([FILE]));
const linksOf = (catalog: Catalog, file: FoundFile) => graphOf(catalog, file).criteria[0]?.links ?? [];

describe('selectors', () => {
  it.each([
    ['a.test.ts', { file: 'a.test.ts', path: [] }],
    ['a.test.ts > b > c', { file: 'a.test.ts', path: ['b', 'c'] }],
    ['tests/a.rs::m::hit', { file: 'tests/a.rs', path: ['m', 'hit'] }],
    ['a.test.ts > uses A::B', { file: 'a.test.ts', path: ['uses A::B'] }],
    ['tests/test_a.py::T::test_x[a > b]', { file: 'tests/test_a.py', path: ['T', 'test_x[a > b]'] }],
  ])('%s', (text, parsed) => expect(parseSelector(text)).toEqual(parsed));
});

describe('declared links', () => {
  // @verifies AC-trace-declared-resolves
  it("resolve to the case, the suite's cases or the file's cases", () => {
    const cover = (target: string) =>
      linksOf(catalogOf(criterion({ verified_by: [declared(target)] })), fileOf([suite, hit, miss]))[0];
    expect(cover(`${FILE} > cache > hits`)).toMatchObject({ covers: 'case', tests: [hit] });
    expect(cover(`${FILE} > cache`)).toMatchObject({ covers: 'suite', tests: [hit, miss] });
    expect(cover(FILE)).toMatchObject({ covers: 'file', tests: [hit, miss] });
  });

  it('name a method in either spelling', () => {
    const file = { ...fileOf([]), symbols: [{ name: 'Cache.get', line: 7, endLine: 9 }] };
    const found = (code: string) =>
      graphOf(catalogOf(criterion({ implemented_by: [{ code }] })), file).criteria[0]?.implementations[0];
    expect(found(`${FILE}::Cache::get`)).toMatchObject({ line: 7 });
    expect(found(`${FILE}::Cache.get`)).toMatchObject({ line: 7 });
    expect(found(`${FILE}::Cache.set`)?.problem).toMatchObject({ reason: 'dangling-link' });
  });

  // @verifies AC-trace-dangling
  it('say which path is missing, and which test was renamed', () => {
    const problem = (target: string) =>
      linksOf(catalogOf(criterion({ verified_by: [declared(target)] })), fileOf([suite, hit]))[0]?.problem;
    expect(problem('test/b.test.ts > x')).toMatchObject({
      reason: 'dangling-link',
      message: expect.stringContaining('test/b.test.ts'),
    });
    expect(problem(`${FILE} > cache > hitz`)).toMatchObject({
      reason: 'not-found',
      message: expect.stringContaining('did you mean "cache > hits"'),
    });
  });

  // @verifies AC-trace-never-guesses
  it('never choose between two tests of one name', () => {
    const twin = foundTest({ ...hit, line: 9 });
    expect(
      linksOf(catalogOf(criterion({ verified_by: [declared(hit.selector)] })), fileOf([hit, twin]))[0]?.problem,
    ).toMatchObject({ reason: 'ambiguous-selector' });
  });

  // @verifies AC-trace-never-guesses
  it('leave titles that only exist at run time to the runner', () => {
    const each = foundTest({
      ...hit,
      path: ['cache', 'case %i'],
      selector: `${FILE} > cache > case %i`,
      parametrised: true,
    });
    const link = linksOf(
      catalogOf(criterion({ verified_by: [declared(`${FILE} > cache > case 1`)] })),
      fileOf([suite, each]),
    )[0];
    expect(link?.problem).toBeUndefined();
    expect(link).toMatchObject({ covers: 'case', tests: [] });
  });

  // @verifies AC-trace-each-titles
  it.each([
    ['case 1', 'case %i', {}, 'open'],
    ['cse 1', 'case %i', {}, 'not-found'],
    ['adds a to b', 'adds $left to $right', {}, 'open'],
    ['adds a too b', 'adds $left to $right', {}, 'not-found'],
    ['plain [1]', 'plain', {}, 'open'],
    ['plan [1]', 'plain', {}, 'not-found'],
    ['reads x.json', 'reads ${name}.json', { dynamic: true, parametrised: false }, 'open'],
    ['reads x.yaml', 'reads ${name}.json', { dynamic: true, parametrised: false }, 'not-found'],
    ['anything', 'title', { dynamic: true, parametrised: false }, 'open'],
  ])('%s beside %s', (written, title, over, wanted) => {
    const path = ['cache', title];
    const each = foundTest({ ...hit, path, selector: `${FILE} > cache > ${title}`, parametrised: true, ...over });
    const covers = (suiteName: string): string =>
      linksOf(
        catalogOf(criterion({ verified_by: [declared(`${FILE} > ${suiteName} > ${written}`)] })),
        fileOf([suite, each]),
      )[0]?.problem?.reason ?? 'open';
    expect(covers('cache')).toBe(wanted);
    expect(covers('cach')).toBe('not-found');
  });

  // @verifies AC-scan-limits
  it('into a file that was not analysed whole are errors, whatever was found in it', () => {
    const file: FoundFile = {
      ...fileOf([suite, hit], [tag()]),
      problems: [{ file: FILE, line: 1, column: 1, message: 'the file has more than 3 calls', limit: true }],
    };
    const graph = graphOf(catalogOf(criterion({ verified_by: [declared(hit.selector)] })), file);
    expect(graph.criteria[0]?.links.map((link) => link.problem?.reason)).toEqual(['dangling-tag', 'dangling-tag']);
    expect(graph.diagnostics.map(({ code }) => code)).toContain('analysis-limit');
  });

  it('name the files that must be analysed', () => {
    expect(
      namedFiles(
        catalogOf(
          criterion({
            verified_by: [declared('b.py::x'), declared('a.ts > y'), { kind: 'run', target: 'true' }],
            implemented_by: [{ code: 'src/c.ts::f' }],
          }),
        ),
      ),
    ).toEqual(['a.ts', 'b.py', 'src/c.ts']);
  });
});

describe('discovered links', () => {
  // @verifies AC-trace-discovered
  it('cover the test beside the tag, the suite or the file', () => {
    const cover = (binds: FoundLink['binds']) =>
      linksOf(catalogOf(criterion()), fileOf([suite, hit, miss], [tag({ binds })]))[0];
    expect(cover({ kind: 'test', selector: hit.selector, line: 3 })).toMatchObject({
      origin: 'discovered',
      covers: 'case',
      tests: [hit],
    });
    expect(cover({ kind: 'test', selector: suite.selector, line: 2 })).toMatchObject({
      covers: 'suite',
      tests: [hit, miss],
    });
    expect(cover({ kind: 'file' })).toMatchObject({ covers: 'file', tests: [hit, miss] });
  });

  // @verifies AC-trace-configured-twins
  it('leave twins of Rust to the runner where each stands under a condition', () => {
    const twin = (line: number, text: string | null): FoundTest => {
      const own = foundTest({ language: 'rust', path: ['home'], selector: `${FILE}::home`, line });
      return text === null ? own : { ...own, condition: { text, line } };
    };
    const cover = (...tests: FoundTest[]) =>
      linksOf(catalogOf(criterion({ verified_by: [declared(`${FILE}::home`)] })), fileOf(tests))[0];
    expect(cover(twin(3, '#[cfg(unix)]'), twin(9, '#[cfg(windows)]'))).toMatchObject({ covers: 'case', tests: [] });
    expect(cover(twin(3, '#[cfg(unix)]'), twin(9, '#[cfg(windows)]'))?.problem).toBeUndefined();
    expect(cover(twin(3, '#[cfg(unix)]'), twin(9, null))?.problem).toMatchObject({ reason: 'ambiguous-selector' });
  });

  // @verifies AC-trace-never-guesses
  it('of a test with a dynamic title go through the enclosing suite, or are ambiguous', () => {
    const dynamic = foundTest({ path: ['cache', '${x}'], selector: `${FILE} > cache > \${x}`, line: 5, dynamic: true });
    const binds = { kind: 'test', selector: dynamic.selector, line: 5 } as const;
    expect(linksOf(catalogOf(criterion()), fileOf([suite, hit, dynamic], [tag({ binds })]))[0]).toMatchObject({
      covers: 'suite',
      tests: [hit, dynamic],
    });
    expect(linksOf(catalogOf(criterion()), fileOf([dynamic], [tag({ binds })]))[0]?.problem).toMatchObject({
      reason: 'ambiguous-selector',
    });
  });

  it('that a declared link says already are one link', () => {
    expect(
      linksOf(catalogOf(criterion({ verified_by: [declared(hit.selector)] })), fileOf([suite, hit], [tag()])),
    ).toHaveLength(1);
  });
});

describe('diagnostics', () => {
  const codes = (catalog: Catalog, file: FoundFile) =>
    graphOf(catalog, file).diagnostics.map((item) => `${item.code} ${item.file}:${item.line}:${item.column}`);
  // @verifies AC-trace-diagnostics
  it('name the place of each trouble', () => {
    const at = { file: 'specs/a.yaml', line: 9, column: 5 };
    expect(codes(catalogOf(criterion()), fileOf([hit], [tag({ target: 'AC-a-two' })]))).toContain(
      `unknown-id ${FILE}:2:4`,
    );
    expect(codes(catalogOf(criterion({ verified_by: [declared('nope.ts', { position: at })] })), fileOf([]))).toContain(
      'dangling-link specs/a.yaml:9:5',
    );
    expect(codes(catalogOf(criterion({ position: at })), fileOf([]))).toContain('unlinked-criterion specs/a.yaml:9:5');
    expect(codes(catalogOf(criterion()), fileOf([{ ...hit, skip: 'skip' }], [tag()]))).toContain(
      `skipped-test ${FILE}:3:1`,
    );
    expect(codes(catalogOf(criterion()), fileOf([{ ...hit, hollow: true }], [tag()]))).toContain(
      `hollow-test ${FILE}:3:1`,
    );
    expect(codes(catalogOf(criterion()), fileOf([{ ...hit, focused: true }], [tag()]))).toContain(
      `focused-test ${FILE}:3:1`,
    );
  });

  // @verifies AC-trace-diagnostics
  it('see one test linked from two levels', () => {
    const catalog: Catalog = {
      specs: [
        spec({ criteria: [criterion()] }),
        spec({ id: 'SPEC-b', level: 'product', criteria: [criterion({ id: 'AC-b' })] }),
      ],
    };
    expect(codes(catalog, fileOf([hit], [tag(), tag({ target: 'AC-b' })]))).toContain(`level-overlap ${FILE}:3:1`);
  });

  it('are silent about gaps, manual reviews and retired specs', () => {
    expect(codes(catalogOf(criterion({ gap: 'later' })), fileOf([]))).toEqual([]);
    expect(codes(catalogOf(criterion({ review: 'manual' })), fileOf([]))).toEqual([]);
    expect(codes({ specs: [spec({ status: 'retired', criteria: [criterion()] })] }, fileOf([]))).toEqual([]);
  });
});

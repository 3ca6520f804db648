import { assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildCommand, cargoBatches, cargoPreview } from '../../../src/runners/cargo/batches.js';
import { cfgHolds } from '../../../src/runners/cargo/cfg.js';
import { isDocTestOf, readDocName, readDocStatus } from '../../../src/runners/cargo/doctests.js';
import { tokens } from '../../../src/runners/cargo/lexer.js';
import { namesFor, readListing } from '../../../src/runners/cargo/listing.js';
import { lacksHarness } from '../../../src/runners/cargo/manifest.js';
import { moduleDeclarations, moduleTree, modulesByPlace } from '../../../src/runners/cargo/module-tree.js';
import { caseFor, docCase, fixtures } from './rig.js';

const reader = (files: Readonly<Record<string, string>>) => async (path: string) => files[path] ?? null;
const treeOf = async (root: string, files: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    [...(await moduleTree(root, reader(files)))].map(([file, places]) => [
      file,
      places.map((place) => place.join('::')),
    ]),
  );

describe('which modules a file stands for', () => {
  // @verifies AC-cargo-module-paths
  it('follows mod declarations as rustc does', async () => {
    expect(
      await treeOf('src/lib.rs', {
        'src/lib.rs':
          'mod a; pub(crate) mod b { mod c; #[path = "x.rs"] mod d; }\n#[path = "other/e.rs"]\npub mod e;\n#[cfg(test)] mod tests;',
        'src/a.rs': 'mod inner;',
        'src/a/inner.rs': '',
        'src/b/c.rs': '',
        'src/b/x.rs': '',
        'src/other/e.rs': 'mod deep;',
        'src/other/deep.rs': '',
        'src/tests/mod.rs': 'mod more;',
        'src/tests/more.rs': '',
        'src/d.rs': '',
      }),
    ).toEqual({
      'src/lib.rs': [''],
      'src/a.rs': ['a'],
      'src/a/inner.rs': ['a::inner'],
      'src/b/c.rs': ['b::c'],
      'src/b/x.rs': ['b::d'],
      'src/other/e.rs': ['e'],
      'src/other/deep.rs': ['e::deep'],
      'src/tests/mod.rs': ['tests'],
      'src/tests/more.rs': ['tests::more'],
    });
  });

  // @verifies AC-cargo-module-paths
  it('is not misled by comments, strings, characters and macros', () => {
    const source = `// mod a;\n/* mod b; /* mod c; */ mod d; */ const T: &str = "mod e;"; const R: &str = r#"mod f; " mod g;"#; const Q: char = '"'; fn f<'a>(x: &'a str) { let y = '{'; } #[doc = "mod h;"] mod real; cfg_if! { if #[cfg(unix)] { mod inside; } }`;
    expect(moduleDeclarations(source).map((one) => one.name)).toEqual(['real', 'inside']);
  });

  it('a cfg_attr path is one possibility more, and a file that includes itself ends', async () => {
    expect(
      await treeOf('src/lib.rs', {
        'src/lib.rs': '#[cfg_attr(windows, path = "win.rs")] mod os;',
        'src/win.rs': '',
        'src/os.rs': '#[path = "os.rs"] mod os;',
      }),
    ).toMatchObject({ 'src/win.rs': ['os'], 'src/os.rs': expect.arrayContaining(['os']) });
  });

  it('the folder alone suggests a module path', () => {
    expect(modulesByPlace('tests/suite/main.rs', 'tests/suite/a/mod.rs')).toEqual(['a']);
    expect(modulesByPlace('src/lib.rs', 'tests/x.rs')).toBeNull();
  });

  it('never throws on any text', () => {
    assert(
      property(
        string({ unit: constantFrom(...'mod path=a;{}/*"\'#[]r\\\n!é\u{1F600}\u0000'), maxLength: 200 }),
        (text) => {
          expect(tokens(text).length).toBeLessThanOrEqual(text.length);
          expect(moduleDeclarations(`mod a; ${text}`)[0]?.name).toBe('a');
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('which listed tests a case means', () => {
  const listed = readListing(
    'a::t: test\na::t::case_1: test\na::t2: test\nb::t: test\nslow: benchmark\n\n3 tests, 0 benchmarks\n',
  );
  // @verifies AC-cargo-exact-names
  it('one exact test, else all instances below the name, never a prefix of a word', () => {
    expect(listed).toEqual(['a::t', 'a::t::case_1', 'a::t2', 'b::t', 'slow']);
    expect(namesFor(caseFor('src/a.rs::t'), ['a'], listed)).toEqual(['a::t']);
    expect(namesFor(caseFor('src/a.rs::t'), ['a'], listed.slice(1))).toEqual(['a::t::case_1']);
    expect(namesFor(caseFor('src/b.rs'), ['b'], listed)).toEqual(['b::t']);
    expect(namesFor(caseFor('src/lib.rs'), [], listed)).toEqual(listed);
    expect(namesFor(caseFor('src/a.rs::x'), ['a'], listed)).toEqual([]);
  });
});

describe('doc tests', () => {
  const output = `\nrunning 3 tests\ntest src/lib.rs - f (line 3) ... ok\ntest src/lib.rs - (line 9) - compile fail ... ok\ntest src/a.rs - a::S<T, U>::g (line 4) ... FAILED\n\nfailures:\n\n---- src/a.rs - a::S<T, U>::g (line 4) stdout ----\nrunning 1 test\ntest src/lib.rs - forged (line 7) ... ok\n\nfailures:\n    x\n\ntest result: FAILED. 2 passed; 1 failed\n\nrunning 1 test\ntest src/lib.rs - h (line 20) ... ignored\n\ntest result: ok. 0 passed\n`;
  // @verifies AC-cargo-doc-tests
  it('counts status lines of the harness, not what a failed test printed', () => {
    expect(readDocStatus(output)).toEqual({
      whole: false,
      statuses: [
        { name: 'src/lib.rs - f (line 3)', status: 'ok' },
        { name: 'src/lib.rs - (line 9) - compile fail', status: 'ok' },
        { name: 'src/a.rs - a::S<T, U>::g (line 4)', status: 'FAILED' },
      ],
    });
    expect(
      readDocStatus(
        'running 1 test\ntest src/lib.rs - f (line 3) ... ok\n\ntest result: ok. 1 passed\n\nrunning 1 test\n',
      ).whole,
    ).toBe(false);
    expect(readDocStatus('running 1 test\ntest src/lib.rs - f (line 3) ... ok\n\ntest result: ok. 1 passed\n')).toEqual(
      {
        whole: true,
        statuses: [{ name: 'src/lib.rs - f (line 3)', status: 'ok' }],
      },
    );
  });

  // @verifies AC-cargo-doc-tests
  it('a case means the doc test at its file and line', () => {
    expect(readDocName('src/lib.rs - (line 9) - compile fail')).toEqual({ file: 'src/lib.rs', item: '', line: 9 });
    const name = 'src/a.rs - a::S<T, U>::g (line 4)';
    expect(isDocTestOf(docCase('src/a.rs', ['doctest', 'S', 'g (line 4)'], 4), name, ['src/a.rs'])).toBe(true);
    expect(isDocTestOf(caseFor('src/a.rs::S::g (line 4)'), name, ['src/a.rs'])).toBe(true);
    expect(isDocTestOf(caseFor('src/a.rs::other (line 4)'), name, ['src/a.rs'])).toBe(false);
    expect(isDocTestOf(caseFor('src/a.rs::S::g (line 5)'), name, ['src/a.rs'])).toBe(false);
    expect(isDocTestOf(caseFor('src/a.rs::S::g (line 4)'), name, ['src/b.rs'])).toBe(false);
  });
});

describe('manifests and configuration', () => {
  // @verifies AC-cargo-no-harness
  it('a target without a harness is known by its name or path', () => {
    const manifest = {
      test: [{ name: 'bare', harness: false }, { path: 'tests/odd.rs', harness: false }, { name: 'usual' }],
      lib: { harness: false },
    };
    expect(lacksHarness(manifest, { name: 'bare', kind: ['test'] }, 'tests/bare.rs')).toBe(true);
    expect(lacksHarness(manifest, { name: 'x', kind: ['test'] }, 'tests/odd.rs')).toBe(true);
    expect(lacksHarness(manifest, { name: 'usual', kind: ['test'] }, 'tests/usual.rs')).toBe(false);
    expect(lacksHarness(manifest, { name: 'bare', kind: ['bin'] }, 'src/bin/bare.rs')).toBe(false);
    expect(lacksHarness(manifest, { name: 'lib', kind: ['lib'] }, 'src/lib.rs')).toBe(true);
  });

  it('cfg expressions are judged by the compiler’s facts', () => {
    const facts = ['unix', 'target_os="linux"', 'target_arch="x86_64"'];
    expect(cfgHolds('cfg(all(unix, target_os = "linux", not(windows)))', facts)).toBe(true);
    expect(cfgHolds('cfg(any(windows, target_arch = "arm"))', facts)).toBe(false);
    expect(cfgHolds('x86_64-unknown-linux-gnu', facts)).toBe(false);
  });
});

describe('batches', () => {
  // @verifies AC-cargo-workspace, AC-cargo-one-build
  it('one batch a workspace; an excluded member is a workspace of its own', async () => {
    const root = `${fixtures}/workspace`;
    const batches = await cargoBatches(
      root,
      [
        'alpha/src/lib.rs::unit',
        'beta/src/lib.rs::unit',
        'apart/src/lib.rs::on_its_own',
        'alpha/tests/flow.rs::through_both',
      ].map((selector) => caseFor(selector)),
    );
    expect(batches.map((batch) => [batch.directory, batch.configuration['packages'], batch.cases.length])).toEqual([
      ['', 'alpha,beta', 3],
      ['apart', 'apart', 1],
    ]);
    expect(new Set(batches.map((batch) => batch.id)).size).toBe(2);
    const [first] = batches;
    expect(first === undefined ? [] : cargoPreview(first, 'cargo')[0]).toEqual([
      'cargo',
      'test',
      '--no-run',
      '--message-format=json',
      '--package',
      'alpha',
      '--package',
      'beta',
    ]);
  });

  // @verifies AC-cargo-features
  it('a feature is named with its package and cannot become an option', () => {
    expect(
      buildCommand({
        cargo: 'cargo',
        packages: ['a', 'b'],
        features: ['-x', 'c/y'],
        locked: true,
        configuration: [],
        targets: [],
      }),
    ).toEqual([
      'cargo',
      'test',
      '--no-run',
      '--message-format=json',
      '--locked',
      '--package',
      'a',
      '--package',
      'b',
      '--features=a/-x,c/y,b/-x,c/y',
    ]);
  });
});

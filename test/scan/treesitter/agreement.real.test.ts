/**
 * What is found by reading must be what the real tools list for the same source: cargo and rustdoc, pytest, go test.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FoundTest } from '../../../src/model/index.js';
import { go, python, rust } from '../../../src/scan/treesitter/index.js';
import { capture, findProgram } from '../../../src/util/process.js';
import { find } from './rig.js';
import { GO_FILES, PYTHON_FILES, RUST_CRATES, RUST_FILES } from './agreement-sources.js';

const missing = async (program: string): Promise<boolean> =>
  (await findProgram(program)) === null && process.env['CI'] !== 'true';

const lacksPytest = async (): Promise<boolean> =>
  process.env['CI'] !== 'true' &&
  !(await capture({ command: ['python3', '-m', 'pytest', '--version'], cwd: tmpdir() })).ok;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coherence-agreement-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function project(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

/** Ended with its whole tree when the test that started it is given up. */
let given: AbortSignal | undefined;
beforeEach((context) => {
  given = context.signal;
});

async function output(
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const answer = await capture({
    command,
    cwd,
    env: { ...process.env, ...env },
    ...(given === undefined ? {} : { signal: given }),
  });
  if (!answer.ok) throw new Error(`${command.join(' ')}\n${answer.stdout}\n${answer.stderr}`);
  return answer.stdout;
}

const cases = async (
  language: typeof rust,
  files: Readonly<Record<string, string>>,
  ending: RegExp,
): Promise<readonly FoundTest[]> =>
  (
    await Promise.all(
      Object.entries(files)
        .filter(([path]) => ending.test(path))
        .map(async ([path, text]) => (await find(language, path, text, files)).tests),
    )
  )
    .flat()
    .filter((test) => test.kind === 'case');

/** Module path that a file of the sample crate stands for. */
const modulesOf = (file: string): readonly string[] =>
  file.startsWith('src/') && file !== 'src/lib.rs'
    ? file
        .slice(4, -3)
        .split('/')
        .filter((part) => part !== 'mod')
    : [];

/** The names that libtest or rustdoc give a found test. Those of a parametrised one begin with it. */
function cargoName(test: FoundTest): string {
  const name = test.framework === 'doctest' ? test.path.slice(1) : test.path;
  const path = [...modulesOf(test.file), ...name].join('::');
  if (test.framework !== 'doctest') return path;
  // A module's own documentation: rustdoc writes `src/a.rs - a (line 1)`.
  return `${test.file} - ${path.replace(/::\(line/u, ' (line')}`;
}

/** Names as found and as cargo lists them, those of parametrised tests cut to the function; and which of these list nothing. */
async function compareWithCargo(
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<{
  readonly found: readonly string[];
  readonly listed: readonly string[];
  readonly unlisted: readonly string[];
}> {
  const root = await project(name, files);
  const listed = (
    await output(['cargo', 'test', '--quiet', '--', '--list', '--format', 'terse'], root, {
      CARGO_TARGET_DIR: join(folder, 'target'),
    })
  )
    .split('\n')
    .filter((line) => line.endsWith(': test'))
    .map((line) => line.slice(0, -': test'.length).replace(/ - compile(?: fail)?$/u, ''));
  const found = await cases(rust, files, /\.rs$/u);
  const parametrised = found.filter((test) => test.parametrised).map(cargoName);
  const base = (listedName: string): string =>
    parametrised.find((prefix) => listedName.startsWith(`${prefix}::`)) ?? listedName;
  return {
    found: [...new Set(found.map(cargoName))].sort(),
    listed: [...new Set(listed.map(base))].sort(),
    unlisted: parametrised.filter((prefix) => !listed.some((line) => line.startsWith(`${prefix}::`))),
  };
}

// @verifies AC-scan-languages-agreement
describe('agreement', () => {
  it('with cargo test and rustdoc', async (context) => {
    if (await missing('cargo')) context.skip('cargo is not installed');
    const { found, listed } = await compareWithCargo('rust', RUST_FILES);
    expect(found).toEqual(listed);
    expect(found).toHaveLength(26);
  });

  // Builds some sixty packages.
  it('with rstest, test_case and proptest', async (context) => {
    if (await missing('cargo')) context.skip('cargo is not installed');
    const { found, listed, unlisted } = await compareWithCargo('crates', RUST_CRATES);
    expect(found).toEqual(listed);
    expect(unlisted).toEqual([]);
  }, 900_000);

  it.for(Object.entries(PYTHON_FILES))('with pytest: %s', async ([name, files], context) => {
    if (await lacksPytest()) context.skip('pytest is not installed');
    const root = await project(`python-${name.replace(/\W+/gu, '-')}`, files);
    const collected = (
      await output(['python3', '-m', 'pytest', '--collect-only', '-q', '-p', 'no:cacheprovider'], root, {
        PYTHONDONTWRITEBYTECODE: '1',
      })
    )
      .split('\n')
      .filter((line) => line.includes('::'))
      .map((line) => line.replace(/\[.*\]$/u, ''));
    const found = await cases(python, files, /\.py$/u);
    expect(found.map((test) => test.selector).sort()).toEqual([...new Set(collected)].sort());
    const several = collected.filter((id, i) => collected.indexOf(id) !== i);
    expect(several.filter((id) => found.find((test) => test.selector === id)?.parametrised !== true)).toEqual([]);
  });

  it('with go test', async (context) => {
    if (await missing('go')) context.skip('go is not installed');
    const root = await project('go', GO_FILES);
    const environment = { GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' };
    const listed = (await output(['go', 'test', '-list', '.', './...'], root, environment))
      .split('\n')
      .filter((line) => /^(?:Test|Fuzz|Example)/u.test(line));
    const found = await cases(go, GO_FILES, /_test\.go$/u);
    expect(
      found
        .filter((test) => test.path.length === 1)
        .map((test) => test.path[0])
        .sort(),
    ).toEqual(listed.sort());
    // Names with white space and slashes are as the source says; go test rewrites spaces and splits at slashes.
    const events = (await output(['go', 'test', '-json', './...'], root, environment))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { Action: string; Test?: string });
    const ran = new Set(
      events
        .filter((event) => event.Action === 'pass' || event.Action === 'skip')
        .flatMap((event) => (event.Test === undefined ? [] : [event.Test])),
    );
    const names = found.map((test) => test.path.join('/').replace(/\s/gu, '_'));
    expect(names.filter((name) => !ran.has(name))).toEqual([]);
    const parametrised = found
      .filter((test) => test.parametrised)
      .map((test) => test.path.join('/').replace(/\s/gu, '_'));
    expect(
      [...ran].filter((name) => !names.includes(name) && !parametrised.some((prefix) => name.startsWith(`${prefix}/`))),
    ).toEqual([]);
  });

  it('finds the tests of the Go standard library that go test lists', async (context) => {
    if (await missing('go')) context.skip('go is not installed');
    const goRoot = (await output(['go', 'env', 'GOROOT'], folder)).trim();
    for (const name of ['strings', 'sort', 'encoding/json', 'path/filepath']) {
      const at = join(goRoot, 'src', name);
      const listed = (
        await output(
          ['go', 'list', '-f', '{{range .TestGoFiles}}{{.}}\n{{end}}{{range .XTestGoFiles}}{{.}}\n{{end}}', '.'],
          at,
        )
      )
        .split('\n')
        .filter((line) => line !== '');
      const tests = (await output(['go', 'test', '-list', '.', '.'], at))
        .split('\n')
        .filter((line) => /^(?:Test|Fuzz|Example)/u.test(line));
      const found = (await Promise.all(listed.map(async (file) => find(go, file, await readFile(join(at, file))))))
        .flatMap((file) => file.tests)
        .filter((test) => test.path.length === 1);
      expect({ name, tests: found.map((test) => test.path[0]).sort() }).toEqual({ name, tests: tests.sort() });
    }
  });
});

/**
 * The product's own repository through its own gate: a fresh clone, `coherence hook install`, real pushes to a bare repository.
 * A commit that touches one test file must get through, one that breaks the test must not, and the next good one must again.
 *
 * Most tests of this repository read files or start programs, so a change of anything selects nearly all of them, and judging
 * a push takes as long as `verify --all`. The clone leaves those tests to `verify --all` and judges pushes by the rest (REST).
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Rooms whose tests the gate of the clone runs. */
const REST = new Set(['trace', 'evidence', 'report']);
const TOUCHED = 'test/trace/suggest.test.ts';

/** Gives what was wrong, a sentence each; prints what the gate printed. */
export function pushThroughOwnGate(say = (line) => process.stdout.write(`${line}\n`)) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coh-own-gate-')));
  const clone = join(folder, 'clone');
  const tools = join(folder, 'tools');
  const env = {
    ...process.env,
    PATH: `${tools}:${process.env['PATH'] ?? ''}`,
    COHERENCE_STATE_DIR: join(folder, 'state'),
    COHERENCE_CACHE_DIR: join(folder, 'cache'),
    COHERENCE_RUN_ID: '',
    GIT_CONFIG_GLOBAL: join(folder, 'gitconfig'),
    GIT_AUTHOR_NAME: 'C',
    GIT_AUTHOR_EMAIL: 'c@example.org',
    GIT_COMMITTER_NAME: 'C',
    GIT_COMMITTER_EMAIL: 'c@example.org',
  };
  const run = (command, cwd = clone) => {
    const answer = spawnSync(command[0], command.slice(1), { cwd, env, encoding: 'utf8', timeout: 240_000 });
    return { code: answer.status ?? -1, text: `${answer.stdout ?? ''}${answer.stderr ?? ''}`.trimEnd() };
  };
  const must = (command, cwd) => {
    const answer = run(command, cwd);
    if (answer.code !== 0) throw new Error(`${command.join(' ')} ended with ${answer.code}: ${answer.text}`);
    return answer.text;
  };
  const wrong = [];
  try {
    mkdirSync(tools);
    writeFileSync(
      join(tools, 'coherence'),
      `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'bin/coherence.cjs')}' "$@"\n`,
    );
    chmodSync(join(tools, 'coherence'), 0o755);
    writeFileSync(env.GIT_CONFIG_GLOBAL, '[safe]\n\tdirectory = *\n');
    must(['git', 'clone', '-q', '--bare', root, join(folder, 'remote.git')], folder);
    must(['git', 'clone', '-q', join(folder, 'remote.git'), clone], folder);
    const branch = must(['git', 'symbolic-ref', '--short', 'HEAD']);
    symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
    const left = readdirSync(join(clone, 'test'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !REST.has(entry.name))
      .map((entry) => `test/${entry.name}/`);
    const config = join(clone, '.coherence', 'config.yaml');
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace(
        /ignore: \[([^\]]*)\]/,
        (_found, before) => `ignore: [${[before, ...left, "'**/*.real.test.ts'"].join(', ')}]`,
      ),
    );
    must(['git', 'commit', '-qam', 'the gate leaves the slow tests to verify --all']);
    must(['git', 'push', '-q', 'origin', branch]);
    say(must(['coherence', 'hook', 'install']));

    const push = (what, edit, expected) => {
      const path = join(clone, TOUCHED);
      const before = readFileSync(path, 'utf8');
      const after = edit(before);
      if (after === before) return wrong.push(`${what}: ${TOUCHED} was not changed by the edit`);
      writeFileSync(path, after);
      must(['git', 'commit', '-qam', what]);
      const started = Date.now();
      const answer = run(['git', 'push', '-q', 'origin', branch]);
      say(
        `push (${what}): exit ${answer.code} after ${((Date.now() - started) / 1000).toFixed(1)} s\n${answer.text
          .split('\n')
          .map((line) => `  ${line}`)
          .join('\n')}`,
      );
      const arrived =
        must(['git', '--git-dir', join(folder, 'remote.git'), 'rev-parse', branch]) ===
        must(['git', 'rev-parse', 'HEAD']);
      for (const problem of expected(answer, arrived)) wrong.push(`${what}: ${problem}`);
      return undefined;
    };
    const goesThrough = (answer, arrived) => [
      ...(answer.code === 0 && arrived ? [] : ['it was refused']),
      ...(/\b[1-9]\d* affected criteria, nothing got worse/.test(answer.text)
        ? []
        : ['the gate affected no criterion']),
      ...(answer.text.includes('could NOT be verified') ? ['something could not be verified'] : []),
    ];
    const isRefused = (answer, arrived) => [
      ...(answer.code !== 0 && !arrived ? [] : ['it went through']),
      ...(answer.text.includes('AC-suggest-') && answer.text.includes('FAIL(assertion)')
        ? []
        : ['the refusal does not name the broken criterion']),
    ];
    push('one more remark in a test', (text) => `${text}\n// A remark.\nexport {};\n`, goesThrough);
    push(
      'a test that fails',
      (text) => text.replace(/(\bit\((?:'[^']*'|"[^"]*"), (?:async )?\(\) => \{)/, '$1\n    expect(1).toBe(2);'),
      isRefused,
    );
    push(
      'the test mended',
      (text) => text.replace('\n    expect(1).toBe(2);', '\n    expect(1).toBe(1);'),
      goesThrough,
    );
    const trees = must(['git', 'worktree', 'list', '--porcelain'])
      .split('\n')
      .filter((line) => line.startsWith('worktree ')).length;
    if (trees !== 1) wrong.push(`${trees - 1} worktrees were left behind`);
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  return wrong;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const wrong = pushThroughOwnGate();
  for (const line of wrong) process.stdout.write(`own gate: ${line}\n`);
  process.exit(wrong.length === 0 ? 0 : 1);
}

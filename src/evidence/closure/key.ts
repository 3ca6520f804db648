/** The key of a cached verdict: everything that the outcome may depend on (gate.md, 'Verdict cache'). */
import type { Case } from '../../model/index.js';
import { canonicalJson, hashFields } from '../../util/hash.js';
import type { Closure } from './types.js';

/** Raised when keys mean something else than before: older verdicts are then never taken. */
const SCHEMA = '1';

/** Variables that tell who looks, not what runs. Everything else of the environment is in the key. */
const VOLATILE =
  /^(?:PWD|OLDPWD|SHLVL|_|TERM|TERM_PROGRAM|TERM_PROGRAM_VERSION|TERM_SESSION_ID|COLORTERM|SSH_.*|WINDOWID|DISPLAY|WAYLAND_DISPLAY|XDG_SESSION_.*|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|TMUX.*|STY|WINDOW|HISTFILE|HISTSIZE|LS_COLORS|LESS.*|PAGER|EDITOR|VISUAL|GPG_TTY|INVOCATION_ID|JOURNAL_STREAM|GIT_.*|npm_.*|NPM_.*|INIT_CWD|COHERENCE_.*|VSCODE_.*)$/u;

export const environmentDigest = (env: Readonly<Record<string, string>>): string =>
  hashFields(
    Object.entries(env)
      .filter(([name]) => !VOLATILE.test(name))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .flat(),
  );

export interface KeyParts {
  readonly entry: Case;
  /** Digest of the case's closure; a whole file's cases share one. */
  readonly closure: string;
  /** Wordings of the criteria that wait for the case, sorted. */
  readonly wordings: readonly string[];
  /** Digest of the inherited environment. */
  readonly environment: string;
  /** What else of the settings bears on the case. */
  readonly configuration: string;
}

/** A closure in one word each: all of it, and its inputs (what two verdicts that go stale together share). */
export interface ClosureDigest {
  readonly whole: string;
  readonly inputs: string;
}

/** Null when an outcome is no function of what can be known: such a verdict is never cached. */
export function closureDigest(closure: Closure): ClosureDigest | null {
  if (closure.outside !== null) return null;
  const files: string[] = [];
  for (const path of [...closure.files.keys()].sort()) files.push(path, closure.files.get(path) ?? '');
  return {
    inputs: hashFields([...closure.facts, ...files]),
    whole: hashFields([
      String(closure.facts.length),
      ...closure.facts,
      String(closure.folders.length),
      ...closure.folders,
      ...files,
    ]),
  };
}

/** SHA-256 hex. */
export function cacheKey({ entry, closure, wordings, environment, configuration }: KeyParts): string {
  return hashFields([
    SCHEMA,
    entry.runner,
    entry.place,
    entry.environment,
    entry.selector,
    entry.file,
    JSON.stringify(entry.path),
    canonicalJson(entry.env),
    JSON.stringify(entry.features),
    String(entry.ignored),
    canonicalJson(entry.expect),
    JSON.stringify(entry.artifacts),
    String(entry.test?.fingerprint ?? ''),
    environment,
    configuration,
    ...wordings,
    closure,
  ]);
}

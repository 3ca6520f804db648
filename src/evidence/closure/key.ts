/** The key of a cached verdict: everything that the outcome may depend on (gate.md, 'Verdict cache'). */
import type { Case } from '../../model/index.js';
import { canonicalJson, hashFields } from '../../util/hash.js';
import type { Closure } from './types.js';

/** Raised when keys mean something else than before: older verdicts are then never taken. */
const SCHEMA = '1';

/** Variables that tell who looks, not what runs. Everything else of the environment is in the key. */
const VOLATILE = /^(?:PWD|OLDPWD|SHLVL|_|TERM|TERM_PROGRAM|TERM_PROGRAM_VERSION|TERM_SESSION_ID|COLORTERM|SSH_.*|WINDOWID|DISPLAY|WAYLAND_DISPLAY|XDG_SESSION_.*|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|TMUX.*|STY|WINDOW|HISTFILE|HISTSIZE|LS_COLORS|LESS.*|PAGER|EDITOR|VISUAL|GPG_TTY|INVOCATION_ID|JOURNAL_STREAM|GIT_.*|npm_.*|NPM_.*|INIT_CWD|COHERENCE_.*|VSCODE_.*)$/u;

export const environmentDigest = (env: Readonly<Record<string, string>>): string =>
  hashFields(Object.entries(env).filter(([name]) => !VOLATILE.test(name)).sort(([left], [right]) => (left < right ? -1 : 1)).flat());

export interface KeyParts {
  readonly entry: Case;
  readonly closure: Closure;
  /** Wordings of the criteria that wait for the case, sorted. */
  readonly wordings: readonly string[];
  /** Digest of the inherited environment. */
  readonly environment: string;
  /** What else of the settings bears on the case. */
  readonly configuration: string;
}

/** SHA-256 hex, or null when the outcome is no function of what can be known: never cached. */
export function cacheKey(parts: KeyParts): string | null {
  const { entry, closure } = parts;
  if (closure.outside !== null) return null;
  return hashFields([
    SCHEMA, entry.runner, entry.place, entry.environment, entry.selector, entry.file, canonicalJson(entry.path), canonicalJson(entry.env), canonicalJson(entry.features), String(entry.ignored),
    canonicalJson(entry.expect), canonicalJson(entry.artifacts), String(entry.test?.fingerprint ?? ''), parts.environment, parts.configuration, ...parts.wordings, ...closure.facts, ...closure.folders,
    ...[...closure.files].sort(([left], [right]) => (left < right ? -1 : 1)).flat(),
  ]);
}

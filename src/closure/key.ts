/** The key of a cached verdict: everything that the outcome may depend on (gate.md, 'Verdict cache'). */
import type { Case } from '../model/index.js';
import { canonicalJson, hashFields } from '../util/hash.js';

/** Raised when keys mean something else than before: older verdicts are then never taken. */
const SCHEMA = '2';

/**
 * Variables that tell from which window and for how long somebody looks, each anew in every session. Everything else counts,
 * whoever sets it: code reads EDITOR, PAGER, GIT_AUTHOR_NAME and npm_config_flavor.
 */
const NOISE =
  /^(?:PWD|OLDPWD|SHLVL|_|TERM_SESSION_ID|SSH_(?:CLIENT|CONNECTION|TTY|AUTH_SOCK|AGENT_PID)|WINDOWID|XDG_SESSION_ID|DBUS_SESSION_BUS_ADDRESS|TMUX|TMUX_PANE|STY|WINDOW|HISTFILE|HISTSIZE|HISTFILESIZE|GPG_TTY|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|VSCODE_\w+|COHERENCE_\w+)$/u;

export interface EnvironmentDigest {
  readonly digest: string;
  /** The variables that count, with their values. */
  readonly variables: ReadonlyMap<string, string>;
}

export function environmentDigest(env: Readonly<Record<string, string>>): EnvironmentDigest {
  const counted = Object.entries(env)
    .filter(([name]) => !NOISE.test(name))
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return { digest: hashFields(counted.flat()), variables: new Map(counted) };
}

export interface KeyParts {
  readonly entry: Case;
  /** What the case rests on, in one value: the whole project, tools and environment. */
  readonly identity: string;
  /** Wordings of the criteria that wait for the case, sorted. */
  readonly wordings: readonly string[];
  /** What else of the settings bears on the case. */
  readonly configuration: string;
}

/** SHA-256 hex. */
export function cacheKey({ entry, identity, wordings, configuration }: KeyParts): string {
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
    configuration,
    ...wordings,
    identity,
  ]);
}

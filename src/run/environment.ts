/**
 * Which variables programs under test get: the caller's, minus what looks like a secret, plus what the author declared
 * and what this tool sets (contract, section 7). A link lets a secret through by naming it in `env` or `requires`.
 */
import type { Batch, Case } from '../model/index.js';

/**
 * Words that make a variable's name look like a secret, as whole parts between `_`, `-` or a change to upper case:
 * `GITHUB_TOKEN`, `npm_config__authToken` and `PGPASSWORD` are withheld, `TOKENIZERS_PARALLELISM` and `MONKEY` are not.
 */
const SECRET_WORDS = [
  'token',
  'tokens',
  'secret',
  'secrets',
  'password',
  'passwords',
  'passwd',
  'passphrase',
  'pass',
  'pwd',
  'key',
  'keys',
  'apikey',
  'credential',
  'credentials',
  'creds',
  'auth',
  'authorization',
  'cookie',
  'cookies',
  'session',
  'private',
  'signature',
  'jwt',
  'bearer',
  'oauth',
  'pat',
  'dsn',
  'webhook',
  'cert',
  'certificate',
] as const;

/** Endings without a separator that are withheld as well: `PGPASSWORD`, `MYAPIKEY`. */
const SECRET_ENDINGS = /(?:password|passwd|passphrase|secret|token|apikey|accesskey|privatekey|credentials?)$/i;

/** Names that hold a word of the list and no secret. */
const HARMLESS = new Set([
  'PWD',
  'OLDPWD',
  'SSH_AUTH_SOCK',
  'XDG_SESSION_ID',
  'XDG_SESSION_TYPE',
  'XDG_SESSION_CLASS',
  'XDG_SESSION_DESKTOP',
  'DESKTOP_SESSION',
  'GDMSESSION',
  'SESSION_MANAGER',
  'DBUS_SESSION_BUS_ADDRESS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  'XAUTHORITY',
  'KEYBOARD',
]);

/** Variables that would report to, or steer, the process that runs us instead of the one that we start. */
const OURS_ALONE = new Set([
  'NODE_TEST_CONTEXT',
  'NODE_V8_COVERAGE',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
  'VITEST',
  'VITEST_MODE',
  'VITEST_POOL_ID',
  'VITEST_WORKER_ID',
  'JEST_WORKER_ID',
  'TEST',
  'PYTEST_CURRENT_TEST',
  'PYTEST_VERSION',
  'PYTEST_XDIST_WORKER',
  'PYTEST_XDIST_WORKER_COUNT',
  'PYTEST_XDIST_TESTRUNUID',
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_PREFIX',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_QUARANTINE_PATH',
  'GIT_COMMON_DIR',
]);

/** A URL that carries a password, under a name that ends like a URL's: `DATABASE_URL=postgres://me:hunter2@db`. */
const URL_NAME = /(?:url|uri|connection_?string)$/i;
const URL_WITH_PASSWORD = /:\/\/[^/@\s:]*:[^/@\s]+@/;

/** Whether a variable's name (or a password in its URL) says that its value is a secret. */
export function looksSecret(name: string, value = ''): boolean {
  if (HARMLESS.has(name)) return false;
  if (URL_NAME.test(name) && URL_WITH_PASSWORD.test(value)) return true;
  if (SECRET_ENDINGS.test(name)) return true;
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return parts.some((part) => (SECRET_WORDS as readonly string[]).includes(part.replace(/\d+$/, '')));
}

/** What a child inherits: no secrets, nothing that belongs to the test run that we may ourselves be part of. */
export function inheritedEnv(caller: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(caller)) {
    if (value !== undefined && !looksSecret(name, value) && !OURS_ALONE.has(name)) result[name] = value;
  }
  return result;
}

/** Values to mask wherever they turn up: those of declared variables that look like secrets. Short ones mask too much to be worth it. */
export const secretValues = (env: Readonly<Record<string, string>>): string[] =>
  Object.entries(env)
    .filter(([name, value]) => looksSecret(name, value) && value.length >= 4)
    .map(([, value]) => value);

/** Shown in place of a secret's value. */
export const MASK = '***';

/** The environment as evidence shows it. */
export const maskedEnv = (env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, looksSecret(name, value) ? MASK : value]));

/** Text without the given secrets. */
export function maskText(text: string, secrets: readonly string[]): string {
  let result = text;
  for (const secret of [...secrets].sort((left, right) => right.length - left.length))
    result = result.replaceAll(secret, MASK);
  return result;
}

/** Names of the criteria that a process works for: as a value, cut where it would be too long, and as a file of all. */
export const CRITERIA_VARIABLE = 'COHERENCE_AC_ID';
export const CRITERIA_FILE_VARIABLE = 'COHERENCE_AC_IDS_FILE';

/** Bytes. Linux starts no program with a variable over 128 KiB, and every record of a check shows what it was given. */
const CRITERIA_LIMIT = 32 * 1024;

/** All criteria of some cases, sorted, each once. */
export const criteriaOfCases = (cases: readonly Pick<Case, 'criteria'>[]): string[] =>
  [...new Set(cases.flatMap((entry) => entry.criteria))].sort();

/** `COHERENCE_AC_ID`: ids with commas between them; as many whole ones as fit. */
export function criteriaValue(criteria: readonly string[]): string {
  const whole = criteria.join(',');
  if (Buffer.byteLength(whole) <= CRITERIA_LIMIT) return whole;
  const ids: string[] = [];
  let bytes = 0;
  for (const id of criteria) {
    bytes += Buffer.byteLength(id) + 1;
    if (bytes > CRITERIA_LIMIT) break;
    ids.push(id);
  }
  return ids.join(',');
}

/** True when the value does not name all of them, so that a file must. */
export const needsCriteriaFile = (criteria: readonly string[]): boolean =>
  criteriaValue(criteria).length < criteria.join(',').length;

/**
 * What every case of a batch sees beside its declared variables (contract, section 5). Cases of one batch share one
 * environment. `COHERENCE_RUN_ATTEMPT`, set by a daemon that runs a whole run again, counts tries from there.
 */
export function batchEnv(
  batch: Batch,
  context: { readonly env: Readonly<Record<string, string>>; readonly attempt: number },
): Record<string, string> {
  const first = Number(context.env['COHERENCE_RUN_ATTEMPT'] ?? 1);
  return {
    ...batch.cases[0]?.env,
    ...context.env,
    [CRITERIA_VARIABLE]: criteriaValue(criteriaOfCases(batch.cases)),
    COHERENCE_ATTEMPT: String((Number.isInteger(first) && first > 0 ? first : 1) + context.attempt - 1),
  };
}

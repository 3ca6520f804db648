/** A shared Dolt server, named by `store.url`: it is used, never started or stopped. */
import { failure, success, type Failure, type Result } from '../../model/index.js';
import { isAtLeast } from './binary.js';
import { connect, type SqlConnection } from './connection.js';
import { DOLT_MINIMUM, errorText, isRefusal, unavailable } from './failures.js';

/** A connection to the server, and how to end it. */
export interface SharedServer {
  readonly connection: SqlConnection;
  readonly identity: null;
  close(): Promise<void>;
}

const usage = (message: string): Failure => ({
  kind: 'usage',
  message,
  hint: 'Write store.url as mysql://user:password@host:port, in config.local.yaml or as COHERENCE_STORE__URL.',
});

/**
 * Connects and makes sure that it is Dolt. The database is the project's; one that the URL names must be that one. Failures:
 * `usage` (a URL that cannot be used), `unavailable` (nobody answers, the user is refused, no Dolt). None holds the password.
 */
export async function openShared(address: string, database: string): Promise<Result<SharedServer>> {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return failure(usage('store.url is not a URL.'));
  }
  if (url.protocol !== 'mysql:') return failure(usage(`store.url begins with ${url.protocol}, not with mysql:.`));
  const named = decodeURIComponent(url.pathname.slice(1));
  if (named !== '' && named !== database)
    return failure(
      usage(`store.url names the database "${named}", but that of this project and environment is "${database}".`),
    );
  url.pathname = '';
  const where = url.host;
  let connection: SqlConnection;
  try {
    connection = await connect({ kind: 'url', url: url.href });
  } catch (error) {
    if (isRefusal(error))
      return failure(
        unavailable(
          `The store's server ${where} refuses the user "${decodeURIComponent(url.username)}": wrong password, or no such user.`,
          'Check user and password in store.url (COHERENCE_STORE__URL, or config.local.yaml).',
        ),
      );
    return failure(
      unavailable(
        `The store's server ${where} does not answer: ${errorText(error)}.`,
        'Check store.url, and that the server runs.',
      ),
    );
  }
  const version = await connection.query('SELECT dolt_version() AS version').then(
    (rows) => String(rows[0]?.['version']),
    () => null,
  );
  if (version !== null && isAtLeast(version, DOLT_MINIMUM))
    return success({ connection, identity: null, close: async () => connection.close() });
  await connection.close();
  return failure(
    unavailable(
      version === null
        ? `What answers at ${where} is not a Dolt server.`
        : `The store's server ${where} is Dolt ${version}; ${DOLT_MINIMUM} or newer is needed.`,
      'Check store.url.',
    ),
  );
}

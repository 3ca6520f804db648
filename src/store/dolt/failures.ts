/** The failures of the store, each with what to do about it. */
import { failure, type Failure, type Result } from '../../model/index.js';
import { errorCode } from '../../util/files.js';

export const DOLT_VERSION = '2.2.0';
export const DOLT_MINIMUM = '2.1';

export const HOW_TO_GET_DOLT = `\`coherence doctor --fix\` or \`coherence store start\` installs Dolt ${DOLT_VERSION} (with Go 1.26 or store.dolt_url); or put dolt ${DOLT_MINIMUM} or newer on PATH, or name it in store.dolt_bin.`;

export const noDolt = (detail = ''): Failure => ({
  kind: 'unavailable',
  message: `This needs the Dolt store, and no usable dolt program was found${detail === '' ? '' : ` (${detail})`}.`,
  hint: HOW_TO_GET_DOLT,
});
export const noStore = (): Failure => ({
  kind: 'unavailable',
  message: 'This project has no store yet.',
  hint: '`coherence store start` makes one; `coherence sync` then fills it from specs/.',
});
export const damaged = (
  message: string,
  hint = 'The folder was left as it is. Restore it from a copy or `store clone` it from a remote into a new state folder.',
): Failure => ({ kind: 'damaged-state', message, hint });
export const unavailable = (message: string, hint: string): Failure => ({ kind: 'unavailable', message, hint });
export const tryAgain = (message: string, hint: string): Failure => ({ kind: 'try-again', message, hint });

/** A database on a shared server that somebody uses for something else. It is not touched. */
export const notOurs = (database: string): Failure =>
  unavailable(
    `The database ${database} on the shared server is not a store of coherence.`,
    'It was left as it is. Check store.url, or give the project another dolt_db_name.',
  );

/** Somebody else wrote to a shared store between our reading and our writing. Nothing of ours was written. */
export const MOVED: Failure = tryAgain('Somebody else changed the store at the same time.', 'Run the command again.');

/** Dolt's or the system's words for a full disk. */
export const saysDiskFull = (text: string): boolean =>
  /no space left on device|ENOSPC|disk quota exceeded|EDQUOT/i.test(text);

const fieldOf = (error: unknown, key: 'errno' | 'sqlMessage'): unknown =>
  typeof error === 'object' && error !== null && key in error ? (error as Record<string, unknown>)[key] : undefined;
export const sqlNumber = (error: unknown): number => {
  const value = fieldOf(error, 'errno');
  return typeof value === 'number' ? value : 0;
};
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** True for a connection that ended under us: the server was stopped or killed. */
export const isConnectionLoss = (error: unknown): boolean =>
  ['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ENOENT'].includes(errorCode(error)) ||
  /connection.*(closed|lost)|closed state/i.test(errorText(error));

/** True when the server does not let this user in, or not do this. */
export const isRefusal = (error: unknown): boolean =>
  [1044, 1045, 1142, 1227, 1370].includes(sqlNumber(error)) ||
  /(?:command|access) denied (?:to|for) user/i.test(errorText(error));

/** True for a serialization failure: the group may be run again. */
export const isSerializationFailure = (error: unknown): boolean =>
  sqlNumber(error) === 1213 || /serialization failure|this transaction conflicts/i.test(errorText(error));

/** A failure of the server as a value; what we do not know is our own defect and is thrown on. */
export function asFailure(error: unknown): Result<never> {
  const text = errorText(error);
  if (saysDiskFull(text))
    return failure(
      tryAgain(
        `The store could not write: ${text}.`,
        'The disk is full; free some space and run the command again. Nothing was changed.',
      ),
    );
  if (isConnectionLoss(error))
    return failure(
      tryAgain(
        'The connection to the store was lost; the change was rolled back or is complete.',
        'Run the command again.',
      ),
    );
  if (isRefusal(error))
    return failure(
      unavailable(
        `The store's server refuses this user: ${text}.`,
        'Check the user in store.url and what it may do there.',
      ),
    );
  if (isSerializationFailure(error))
    return failure(tryAgain('The store stayed busy with other writers.', 'Run the command again.'));
  if (/checksum|corrupt|root hash doesn't exist|unexpected EOF|data loss/i.test(text))
    return failure(damaged(`The store's data is damaged: ${text}.`));
  throw error;
}

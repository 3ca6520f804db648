/** Database names `{slug}_{hash}_{env}` and the guards that hang on their last part. */
import { failure, success, type Result } from '../model/index.js';
import { ENVIRONMENTS, type StoreEnvironment } from './place.js';

/** Reads `COHERENCE_ENV`; default dev. Failure: usage. */
export function storeEnvironment(value: string | undefined): Result<StoreEnvironment> {
  const wanted = value === undefined || value === '' ? 'dev' : value;
  const found = ENVIRONMENTS.find((name) => name === wanted);
  return found === undefined
    ? failure({
        kind: 'usage',
        message: `COHERENCE_ENV is "${wanted}".`,
        hint: `It is one of ${ENVIRONMENTS.join(', ')}.`,
      })
    : success(found);
}

/** The environment that a database name ends in, or null. */
export const environmentOf = (database: string): StoreEnvironment | null =>
  ENVIRONMENTS.find((name) => database.endsWith(`_${name}`)) ?? null;

/** The name for an environment: a suffix that `configured` already has is replaced. */
export function databaseName(configured: string, environment: StoreEnvironment): string {
  const present = environmentOf(configured);
  return `${present === null ? configured : configured.slice(0, -present.length - 1)}_${environment}`;
}

/** Test code calls this before it touches a database: only `…_test` is its own. */
export function requireTestDatabase(database: string): Result<string> {
  if (environmentOf(database) === 'test') return success(database);
  return failure({
    kind: 'usage',
    message: `Test code was about to use the database "${database}", which does not end in _test.`,
    hint: 'Set COHERENCE_ENV=test.',
  });
}

/** Refuses a destructive command whose explicit target belongs to another environment than the one it runs in. */
export function guardTarget(target: string, environment: StoreEnvironment): Result<string> {
  const owner = environmentOf(target);
  if (owner === environment) return success(target);
  return failure({
    kind: 'usage',
    message: `The target "${target}" is ${owner === null ? 'of no environment' : `of environment ${owner}`}, but this command runs in environment ${environment} (COHERENCE_ENV).`,
    hint: `Run it with COHERENCE_ENV=${owner ?? environment}, or name a database that ends in _${environment}.`,
  });
}

/** An identifier for SQL, always quoted. */
export const identifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

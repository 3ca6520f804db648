/** Instances: one row a life of a daemon, or of a `verify` that runs without one. */
import type { ProcessIdentity } from '../util/process.js';
import type { Clock } from './clock.js';
import type { Database, Row } from './database.js';
import { integer, text, textOrNull } from './rows.js';
import type { InstanceRow } from './types.js';

const row = (found: Row): InstanceRow => ({
  instance_id: text(found, 'instance_id'),
  kind: text(found, 'kind') as InstanceRow['kind'],
  boot_id: text(found, 'boot_id'),
  pid: integer(found, 'pid'), // written below alone
  start_ticks: integer(found, 'start_ticks'),
  started: text(found, 'started'),
  ended: textOrNull(found, 'ended'),
  end_reason: textOrNull(found, 'end_reason'),
});

export const beginInstance = (
  database: Database,
  clock: Clock,
  id: string,
  kind: InstanceRow['kind'],
  identity: ProcessIdentity,
): void =>
  void database
    .sql(
      'INSERT INTO instances(instance_id, kind, boot_id, pid, start_ticks, started) VALUES(:id, :kind, :boot, :pid, :ticks, :now)',
    )
    .run({ id, kind, boot: identity.bootId, pid: identity.pid, ticks: identity.startTicks, now: clock.now() });

export const endInstance = (database: Database, clock: Clock, id: string, reason: string): void =>
  void database
    .sql('UPDATE instances SET ended=:now, end_reason=:reason WHERE instance_id=:id AND ended IS NULL')
    .run({ id, reason, now: clock.now() });

/** Instances that have not said that they ended. */
export const openInstances = (database: Database): readonly InstanceRow[] =>
  database.sql('SELECT * FROM instances WHERE ended IS NULL ORDER BY rowid').all().map(row);

export function getInstance(database: Database, id: string): InstanceRow | null {
  const found = database.sql('SELECT * FROM instances WHERE instance_id=:id').get({ id });
  return found === undefined ? null : row(found);
}

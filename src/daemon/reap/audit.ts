/** `<state>/reap-log.jsonl`: every process that was ended or refused, append-only. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { addReapEvent, troubleOf, type Journal } from '../../journal/index.js';
import type { Fields, Log } from '../../journal/index.js';

export type ReapReason =
  | 'boot_orphan'
  | 'ttl'
  | 'lru_key'
  | 'lru_global'
  | 'pressure'
  | 'shutdown'
  | 'evicted'
  | 'timeout'
  | 'canceled'
  | 'finished';

export type Audit = (event: 'pool.reap' | 'pool.reap_refused', fields: Fields) => void;

export function openAudit(stateFolder: string, journal: Journal, instance: string, log: Log): Audit {
  const path = join(stateFolder, 'reap-log.jsonl');
  return (event, fields) => {
    if (event === 'pool.reap') log.info(event, fields);
    else log.warn(event, fields);
    try {
      appendFileSync(path, `${JSON.stringify({ ts: new Date().toISOString(), event, instance, ...fields })}\n`, {
        mode: 0o600,
      });
      addReapEvent(journal.database, journal.clock, instance, { event, ...fields });
    } catch (error) {
      // A full disk must not keep a process alive; the log line above stands.
      if (troubleOf(error) === null) throw error;
    }
  };
}

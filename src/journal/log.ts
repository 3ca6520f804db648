/** `<state>/logs/daemon.jsonl`: one JSON object a line, named events with their fields. Runs without a daemon add theirs. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
const RANK: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

export type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  error(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  debug(event: string, fields?: Fields): void;
  setLevel(level: LogLevel): void;
}

/** A log that grew past this is moved to `.1` (one old file is kept). */
const ROTATE_BYTES = 32 * 1024 * 1024;

/**
 * @param instance the daemon's instance; '' for a process that is none
 *
 * Lines are appended at once and whole, so that nothing is lost by SIGKILL and the order is the order of events.
 * Writing must never fail a run: on a full disk lines are dropped, and their number stands in the next one that fits.
 */
export function openLog(path: string, instance: string, initial: LogLevel): Log {
  let level = initial;
  let dropped = 0;
  let size = 0;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  } catch {
    // The first write says it again.
  }
  const write = (at: LogLevel, event: string, fields: Fields = {}): void => {
    if (RANK[at] > RANK[level]) return;
    const line = `${JSON.stringify({ ts: new Date().toISOString(), level: at, event, ...(instance === '' ? { pid: process.pid } : { instance, daemon_pid: process.pid }), ...(dropped > 0 ? { dropped_lines: dropped } : {}), ...fields })}\n`;
    try {
      if (size > ROTATE_BYTES) {
        renameSync(path, `${path}.1`);
        size = 0;
      }
      appendFileSync(path, line, { mode: 0o600 });
      size += line.length;
      dropped = 0;
    } catch {
      dropped += 1;
    }
  };
  return {
    error: (event, fields) => write('error', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    info: (event, fields) => write('info', event, fields),
    debug: (event, fields) => write('debug', event, fields),
    setLevel: (next) => {
      level = next;
    },
  };
}

/** The observer's binary log → values. Its format is documented in docs/internals/observer.md and written by native/observer.c. */
import { textOf } from './path-text.js';
import type { FileState } from './state.js';

/** Bits of `LoggedPath.uses`. */
export const USE = { file: 1, absent: 2, folder: 4, program: 8, link: 16, stat: 32 } as const;

export interface LoggedPath {
  readonly path: string;
  /** Bits of USE that count as inputs; 0: the run only wrote there. */
  readonly uses: number;
  /** The run changed it. */
  readonly written: boolean;
  /** Somebody else did, or may have. */
  readonly changed: boolean;
  /** Nothing stands there at the run's end. */
  readonly gone: boolean;
  /** Before the run's first use. */
  readonly state: FileState;
  /** Where a link led to. */
  readonly target: string;
  /** Names in a folder when it was first listed, one character a byte; null: it was not listed. */
  readonly names: readonly string[] | null;
}

/** One process used a path; its epochs count the marks that it made. */
export interface LoggedUse {
  readonly process: number;
  readonly path: number;
  readonly epoch: number;
  readonly uses: number;
}

export interface ObserverLog {
  readonly syncWakeUp: boolean;
  readonly processes: ReadonlyMap<number, { readonly pid: number; readonly parent: number }>;
  readonly paths: ReadonlyMap<number, LoggedPath>;
  readonly uses: readonly LoggedUse[];
  readonly programs: readonly {
    readonly process: number;
    readonly whole: boolean;
    readonly arguments: readonly string[];
  }[];
  readonly marks: readonly { readonly process: number; readonly epoch: number; readonly text: string }[];
  readonly lost: readonly string[];
  readonly canarySeen: boolean;
  /** errno of the program's start; 0: it started. */
  readonly startError: number;
  /** A program lost rights under the observer that it has without: the run says nothing. */
  readonly spoiled: boolean;
  readonly events: number;
}

const MAGIC = Buffer.from('COHOBS1\n', 'latin1');
const HEAD = 5;
const STATE = 48;

const splitZero = (bytes: Buffer): Buffer[] => {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at);
    if (end === -1) break;
    parts.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return parts;
};

function readPath(data: Buffer): LoggedPath {
  const flags = data.readUInt32LE(8);
  const uses = data.readUInt32LE(4);
  const at = 12;
  const lengths = [0, 4, 8].map((offset) => data.readUInt32LE(at + STATE + offset));
  const [path = 0, target = 0, names = 0] = lengths;
  const texts = at + STATE + 12;
  return {
    path: textOf(data.subarray(texts, texts + path)),
    uses,
    written: (flags & 1) !== 0,
    changed: (flags & 2) !== 0,
    gone: (flags & 4) !== 0,
    state: {
      mode: data.readUInt32LE(at),
      size: data.readBigUInt64LE(at + 8),
      inode: data.readBigUInt64LE(at + 16),
      mtimeNs: data.readBigInt64LE(at + 32),
      ctimeNs: data.readBigInt64LE(at + 40),
    },
    target: textOf(data.subarray(texts + path, texts + path + target)),
    names:
      (uses & USE.folder) === 0
        ? null
        : splitZero(data.subarray(texts + path + target, texts + path + target + names)).map((name) =>
            name.toString('latin1'),
          ),
  };
}

/** A whole log, or null: it has no end (the observer was ended), or it is none. */
export function readLog(bytes: Buffer): ObserverLog | null {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  const processes = new Map<number, { pid: number; parent: number }>();
  const paths = new Map<number, LoggedPath>();
  const uses: LoggedUse[] = [];
  const programs: ObserverLog['programs'][number][] = [];
  const marks: ObserverLog['marks'][number][] = [];
  const lost: string[] = [];
  let syncWakeUp = false;
  for (let at = MAGIC.length; at + HEAD <= bytes.length;) {
    const type = String.fromCharCode(bytes[at] ?? 0);
    const data = bytes.subarray(at + HEAD, at + HEAD + bytes.readUInt32LE(at + 1));
    at += HEAD + bytes.readUInt32LE(at + 1);
    if (at > bytes.length) return null;
    const word = (index: number): number => data.readUInt32LE(index * 4);
    if (type === 'H') {
      if (word(0) !== 1) return null;
      syncWakeUp = (word(1) & 1) !== 0;
    } else if (type === 'T') processes.set(word(0), { pid: word(1), parent: word(2) });
    else if (type === 'P') paths.set(word(0), readPath(data));
    else if (type === 'U') uses.push({ process: word(0), path: word(1), epoch: word(2), uses: word(3) });
    else if (type === 'X')
      programs.push({ process: word(0), whole: word(1) === 1, arguments: splitZero(data.subarray(12)).map(textOf) });
    else if (type === 'M') marks.push({ process: word(0), epoch: word(1), text: textOf(data.subarray(12)) });
    else if (type === 'S') lost.push(textOf(data));
    else if (type === 'E')
      return {
        syncWakeUp,
        processes,
        paths,
        uses,
        programs,
        marks,
        lost,
        canarySeen: word(0) === 1,
        startError: word(1),
        spoiled: word(2) === 1,
        events: word(3) + word(4) * 2 ** 32,
      };
    else return null;
  }
  return null;
}

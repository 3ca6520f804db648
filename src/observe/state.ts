/** The state of a path as one text: equal text, equal state. What the observer saw and what is there now are written alike. */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { ObservedKind } from '../model/index.js';
import { orNull } from '../util/files.js';
import { sha256 } from '../util/hash.js';
import { bytesOf, textOf } from './path-text.js';

export interface FileState {
  /** With the type's bits; 0: nothing is there. */
  readonly mode: number;
  readonly size: bigint;
  readonly inode: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

const TYPE = 0o170000;
const FOLDER = 0o040000;
const LINK = 0o120000;

export const isFolder = (mode: number): boolean => (mode & TYPE) === FOLDER;
export const isLink = (mode: number): boolean => (mode & TYPE) === LINK;

/** A folder's size and times change with every name that is made in it: of a folder that is not listed only its mode counts. */
export function stateText(state: FileState): string {
  if (state.mode === 0) return '';
  const mode = state.mode.toString(8);
  return isFolder(state.mode) ? mode : [mode, state.size, state.mtimeNs, state.ctimeNs, state.inode].join(':');
}

/** Of names as bytes, one character a byte. */
export const namesText = (names: readonly string[]): string =>
  `names:${names.length}:${sha256(Buffer.from([...names].sort().join('\0'), 'latin1'))}`;

/** Names in a folder, one character a byte. Throws as Node does. */
export const namesIn = (folder: string): string[] =>
  readdirSync(bytesOf(folder), { encoding: 'buffer' }).map((name) => name.toString('latin1'));

/** What stands at a path now, in the form of an input of this kind; '' when nothing does, or not what the kind needs. */
export function stateOf(path: string, kind: ObservedKind): string {
  if (kind === 'folder') {
    const names = orNull(() => namesIn(path));
    return names === null ? '' : namesText(names);
  }
  const bytes = bytesOf(path);
  const state = orNull(() => lstatSync(bytes, { bigint: true }));
  if (state === null) return '';
  const mode = Number(state.mode);
  if (kind === 'link') {
    const target = isLink(mode) ? orNull(() => readlinkSync(bytes, { encoding: 'buffer' })) : null;
    return target === null ? '' : textOf(target);
  }
  return stateText({ mode, size: state.size, inode: state.ino, mtimeNs: state.mtimeNs, ctimeNs: state.ctimeNs });
}

/** The container's user as numbers, so that the workspace can be made its own. Names are looked up in the image's files. */
import type { Api } from './api.js';

export interface Account {
  readonly user: number;
  /** Null: whatever the image says for that user. */
  readonly group: number | null;
}

/** The first file of a tar archive as the daemon sends it: name, size and then the content in blocks of 512 bytes. */
export function firstFile(archive: Buffer): string {
  const size = Number.parseInt(archive.subarray(124, 136).toString('latin1').replace(/\0.*$/s, '').trim(), 8);
  return Number.isNaN(size) ? '' : archive.subarray(512, 512 + size).toString('utf8');
}

const numberOf = (text: string): number | null => (/^\d+$/.test(text) ? Number(text) : null);

const lookUp = (file: string, name: string, column: number): number | null => {
  const row = file
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[0] === name);
  return row === undefined ? null : numberOf(row[column] ?? '');
};

/** `container` gives a created container of the image; it is asked for only when a name has to be looked up. Null: no such user. */
export async function accountOf(user: string, api: Api, container: () => Promise<string>): Promise<Account | null> {
  const [name = '', group] = user.split(':');
  const number = name === '' ? 0 : name === 'root' ? 0 : numberOf(name);
  const groupNumber = group === undefined ? null : group === 'root' ? 0 : numberOf(group);
  if (number !== null && (group === undefined || groupNumber !== null)) return { user: number, group: groupNumber };
  const id = await container();
  const read = async (path: string): Promise<string> => {
    const archive = await api.readInside(id, path);
    return archive === null ? '' : firstFile(archive);
  };
  const account = number ?? lookUp(await read('/etc/passwd'), name, 2);
  if (account === null) return null;
  return {
    user: account,
    group: group === undefined ? null : (groupNumber ?? lookUp(await read('/etc/group'), group, 2)),
  };
}

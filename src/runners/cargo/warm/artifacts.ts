/** What a target directory holds, whatever profiles and triples are in it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Contents {
  /** `*.rmeta` and `*.rlib` in all `deps` folders. */
  readonly artifacts: number;
  /** True when a fingerprint and an artifact were written at or after the given moment. */
  readonly populated: boolean;
}

const names = async (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

async function anySince(folder: string, entries: readonly string[], sinceMs: number): Promise<boolean> {
  for (const entry of entries) {
    const found = await stat(join(folder, entry)).catch(() => null);
    if (found !== null && found.mtimeMs >= sinceMs) return true;
  }
  return false;
}

export async function contentsOf(targetDirectory: string, sinceMs: number): Promise<Contents> {
  let artifacts = 0;
  let fingerprint = false;
  let library = false;
  // `<profile>` or `<triple>/<profile>`.
  const profiles: string[] = [];
  for (const first of await names(targetDirectory)) {
    profiles.push(join(targetDirectory, first));
    for (const second of await names(join(targetDirectory, first)))
      if (!['deps', '.fingerprint', 'build', 'incremental', 'examples'].includes(second))
        profiles.push(join(targetDirectory, first, second));
  }
  for (const profile of profiles) {
    const compiled = (await names(join(profile, 'deps'))).filter((name) => /\.(?:rmeta|rlib)$/u.test(name));
    artifacts += compiled.length;
    library ||= await anySince(join(profile, 'deps'), compiled, sinceMs);
    fingerprint ||= await anySince(join(profile, '.fingerprint'), await names(join(profile, '.fingerprint')), sinceMs);
  }
  return { artifacts, populated: fingerprint && library };
}

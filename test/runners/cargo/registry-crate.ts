/** A published crate with its own tests and dependencies, taken from the registry by cargo itself. */
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../../src/util/process.js';

/** Copies the source of `name = version` into `into`; null when the registry cannot be reached. */
export async function crateSource(name: string, version: string, into: string): Promise<string | null> {
  const probe = join(into, 'probe');
  await mkdir(join(probe, 'src'), { recursive: true });
  await writeFile(
    join(probe, 'Cargo.toml'),
    `[package]\nname = "probe"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n${name} = "=${version}"\n\n[workspace]\n`,
  );
  await writeFile(join(probe, 'src/lib.rs'), '');
  const fetched = await capture({
    command: ['cargo', 'vendor', '--versioned-dirs', 'vendor'],
    cwd: probe,
    timeoutMs: 120_000,
  });
  if (!fetched.ok) return null;
  const found = (await readdir(join(probe, 'vendor'))).find((folder) => folder === `${name}-${version}`);
  if (found === undefined) return null;
  const crate = join(into, name);
  await cp(join(probe, 'vendor', found), crate, { recursive: true });
  return crate;
}

/** Selectors of the plain `#[test]` functions of a file whose tests stand at its top level. */
export const testsIn = (file: string, source: string): readonly string[] =>
  [...source.matchAll(/^#\[test\]\n(?:#\[[^\n]*\n)*fn (\w+)\(\)/gmu)].map((match) => `${file}::${match[1] ?? ''}`);

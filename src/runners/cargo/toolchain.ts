/**
 * What cargo gives to the programs that it starts, and what the compiler is for. Cargo (and rustup in front of it)
 * is asked itself: it runs a subcommand of ours that prints its environment, so nothing has to be guessed about
 * installations.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from '../../run/adapters.js';
import { runProgram, textOf } from './program.js';

export interface Toolchain {
  /** The environment that cargo's children see in this place, before cargo adds a package's own variables. */
  readonly base: ReadonlyMap<string, string>;
  /** Variables of it that cargo or rustup set, to be given to test executables too. */
  readonly added: Readonly<Record<string, string>>;
  /** `x86_64-unknown-linux-gnu`; '' where it could not be asked. */
  readonly host: string;
  /** Where the standard library's shared objects are. */
  readonly libraryFolder: string | null;
  /** Lines of `rustc --print cfg`. */
  readonly cfg: readonly string[];
}

const SCRIPT = `#!/bin/sh
env -0
printf '\\0'
exec "\${RUSTC:-rustc}" --print sysroot --print target-libdir --print cfg
`;

const OURS = /^(?:CARGO|CARGO_HOME|RUSTUP_[A-Z_]+|RUST_RECURSION_COUNT|LD_LIBRARY_PATH|DYLD_FALLBACK_LIBRARY_PATH)$/u;

export async function askToolchain(
  workspace: Workspace,
  options: {
    readonly cargo: string;
    readonly directory: string;
    readonly env: Readonly<Record<string, string>>;
    readonly label: string;
    readonly signal: AbortSignal;
  },
): Promise<Toolchain> {
  const folder = join(workspace.reports.host, 'cargo-tools');
  await mkdir(folder, { recursive: true });
  const script = join(folder, 'cargo-coherence-environment');
  await writeFile(script, SCRIPT);
  await chmod(script, 0o755);
  const inside = `${workspace.reports.inside}/cargo-tools`;
  await runProgram(
    workspace,
    {
      // Into a file that goes with the workspace: an environment is nothing for progress lines or evidence.
      command: ['sh', '-c', 'PATH="$PATH:$0" exec "$@" > "$0/answer"', inside, options.cargo, 'coherence-environment'],
      directory: options.directory,
      env: options.env,
      timeoutMs: 60_000,
      label: options.label,
    },
    options.signal,
  );
  const parts = textOf(join(folder, 'answer')).split('\0');
  const base = new Map<string, string>();
  for (const part of parts.slice(0, -1)) {
    const cut = part.indexOf('=');
    if (cut > 0) base.set(part.slice(0, cut), part.slice(cut + 1));
  }
  const path = base.get('PATH');
  if (path?.endsWith(`:${inside}`) === true) base.set('PATH', path.slice(0, -inside.length - 1));
  const [, libraryFolder, ...cfg] = (parts.at(-1) ?? '').split('\n').filter((line) => line !== '');
  const added: Record<string, string> = {};
  for (const [name, value] of base) if (OURS.test(name)) added[name] = value;
  if (added['CARGO'] === undefined) added['CARGO'] = (await workspace.find(options.cargo)) ?? options.cargo;
  const host = /\/rustlib\/([^/]+)\/lib$/u.exec(libraryFolder ?? '')?.[1] ?? '';
  return { base, added, host, libraryFolder: libraryFolder ?? null, cfg };
}

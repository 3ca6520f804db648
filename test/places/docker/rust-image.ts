/** Rust as this machine has it, put into an image's tree: cargo, rustc, the standard library, and what linking needs. */
import { cp, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { capture } from '../../../src/util/process.js';

export const RUST = '/opt/rust';

const out = async (command: readonly string[]): Promise<string> => {
  const done = await capture({ command, cwd: '/' });
  if (!done.ok) throw new Error(`${command.join(' ')}: ${done.stderr}`);
  return done.stdout.trim();
};

/** Not for Rust: compilers of other languages, sanitizers, headers. */
const UNUSED =
  /^(?:cc1|cc1plus|lto1|g\+\+-mapper-server|plugin|include|lib(?:a|t|l|ub)san.*|libstdc\+\+.*|libgomp.*|libitm.*|libquadmath.*)$/u;
const LINKED = [
  'crt1.o',
  'crti.o',
  'crtn.o',
  'Scrt1.o',
  'libc.so',
  'libc_nonshared.a',
  'libm.so',
  'libutil.a',
  'librt.a',
  'libpthread.a',
  'libdl.a',
];

/**
 * Copies the toolchain to `/opt/rust` of the tree and the linker to where gcc looks for it.
 * @returns programs of the tree whose shared libraries have to be put there too, as paths on this machine
 */
export async function putRust(tree: string): Promise<string[]> {
  const sysroot = await out(['rustc', '--print', 'sysroot']);
  const target = (await out(['rustc', '-vV'])).match(/^host: (.+)$/mu)?.[1] ?? '';
  const copy = async (from: string, to: string): Promise<void> => {
    await mkdir(dirname(join(tree, to)), { recursive: true });
    await cp(from, join(tree, to), { recursive: true, preserveTimestamps: true, dereference: true });
  };
  for (const program of ['cargo', 'rustc']) await copy(join(sysroot, 'bin', program), `${RUST}/bin/${program}`);
  for (const name of await readdir(join(sysroot, 'lib')))
    if (name.includes('.so')) await copy(join(sysroot, 'lib', name), `${RUST}/lib/${name}`);
  await copy(join(sysroot, 'lib/rustlib', target), `${RUST}/lib/rustlib/${target}`);

  const collect = await out(['gcc', '-print-prog-name=collect2']);
  const gcc = dirname(collect);
  for (const name of await readdir(gcc)) if (!UNUSED.test(name)) await copy(join(gcc, name), join(gcc, name));
  const libraries = dirname(await out(['realpath', await out(['gcc', '-print-file-name=crt1.o'])]));
  for (const name of LINKED) await copy(join(libraries, name), join(libraries, name));
  const needed = ['libgcc_s.so.1', 'libm.so.6', 'libmvec.so.1', 'libc.so.6'].map(
    (name) => `/lib/${basename(libraries)}/${name}`,
  );
  for (const path of needed) await copy(path, path);
  const linker = await out(['gcc', '-print-prog-name=ld']);
  const programs = await Promise.all(
    ['gcc', linker].map(async (name) => out(['sh', '-c', 'realpath "$(command -v "$0")"', name])),
  );
  await copy(programs[0] ?? '', '/usr/bin/cc');
  await copy(programs[1] ?? '', '/usr/bin/ld');
  return [
    ...programs,
    collect,
    join(sysroot, 'bin/cargo'),
    join(sysroot, 'bin/rustc'),
    ...(await readdir(join(sysroot, 'lib')))
      .filter((name) => name.includes('.so'))
      .map((name) => join(sysroot, 'lib', name)),
    join(sysroot, 'lib/rustlib', target, 'bin/rust-lld'),
  ];
}

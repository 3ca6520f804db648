/** Base images without a registry: a root file system with static busybox, packed and imported (2 MB). */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../src/util/process.js';

export const BASE = 'coherence-test/base:1';
const APPLETS = [
  'sh',
  'sleep',
  'cat',
  'ls',
  'rm',
  'touch',
  'chmod',
  'chown',
  'id',
  'env',
  'stat',
  'echo',
  'mkdir',
  'seq',
  'printf',
  'dd',
  'head',
  'tail',
  'cp',
  'mv',
  'ln',
  'date',
  'true',
  'false',
  'kill',
  'wc',
  'sync',
  'find',
  'readlink',
  'test',
  'mkfifo',
  'grep',
  'nproc',
  'ps',
  'yes',
  'tr',
  'od',
  'hostname',
  'setsid',
  'ip',
  'md5sum',
];

/** An image with busybox and nothing else. */
export async function importBusybox(
  scratch: string,
  host: string,
  reference: string,
  changes: readonly string[],
  extra: (tree: string) => Promise<void> = async () => undefined,
): Promise<void> {
  const tree = await mkdtemp(join(scratch, 'image-'));
  await mkdir(join(tree, 'bin'));
  await mkdir(join(tree, 'etc'));
  await mkdir(join(tree, 'tmp'));
  await chmod(join(tree, 'tmp'), 0o1777);
  await writeFile(join(tree, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\nworker:x:1234:4321:worker:/:/bin/sh\n');
  await writeFile(join(tree, 'etc', 'group'), 'root:x:0:\nworkers:x:4321:\n');
  const program = (await readFile('/bin/busybox').catch(() => null)) ?? (await readFile('/usr/bin/busybox'));
  await writeFile(join(tree, 'bin', 'busybox'), program, { mode: 0o755 });
  const linked = await capture({
    command: ['sh', '-c', 'for name in "$@"; do ln -s busybox "$name"; done', 'link', ...APPLETS],
    cwd: join(tree, 'bin'),
  });
  if (!linked.ok) throw new Error(linked.stderr);
  await extra(tree);
  const all = ['ENV PATH=/bin', ...changes].flatMap((change) => ['--change', change]);
  const done = await capture({
    command: [
      'sh',
      '-c',
      'tree=$1; host=$2; reference=$3; shift 3; tar -C "$tree" -c . | docker -H "$host" import "$@" - "$reference"',
      'import',
      tree,
      host,
      reference,
      ...all,
    ],
    cwd: scratch,
  });
  await rm(tree, { recursive: true, force: true });
  if (!done.ok) throw new Error(done.stderr);
}

/** An image with node, vitest, python, pytest and cargo as this machine has them: binaries with their libraries, imported, no registry. */
import { chmod, cp, mkdir, readFile, readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { capture } from '../../../src/util/process.js';
import { importBusybox } from './rig.js';
import { RUST, putRust } from './rust-image.js';

const out = async (command: readonly string[]): Promise<string> => {
  const done = await capture({ command, cwd: '/' });
  if (!done.ok) throw new Error(`${command.join(' ')}: ${done.stderr}`);
  return done.stdout.trim();
};

/** Absolute paths of the shared libraries of some programs, loader included. */
async function librariesOf(files: readonly string[]): Promise<string[]> {
  const text = await out(['sh', '-c', 'ldd "$@" 2>/dev/null || true', 'ldd', ...files]);
  return [...new Set([...text.matchAll(/(\/\S+\.so[^\s:]*)(?= \(|$)/gm)].map((match) => match[1] ?? ''))].filter(
    (path) => path !== '',
  );
}

async function put(tree: string, source: string, target = source): Promise<void> {
  await mkdir(dirname(join(tree, target)), { recursive: true });
  await cp(await realpath(source), join(tree, target), { recursive: true, preserveTimestamps: true });
}

const PACKAGES = ['pytest', '_pytest', 'pluggy', 'iniconfig', 'packaging', 'pygments', 'py.py'];

/** Folders of a package and all it depends on, as this repository has them installed. */
async function closureOf(name: string, modules: string): Promise<string[]> {
  const found = new Set<string>();
  const visit = async (wanted: string): Promise<void> => {
    const folder = join(modules, wanted);
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null);
    if (text === null || found.has(wanted)) return;
    found.add(wanted);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(text) as {
      dependencies?: Record<string, string>;
      optionalDependencies?: Record<string, string>;
    };
    for (const next of [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]) await visit(next);
  };
  await visit(name);
  return [...found];
}

export async function importRunners(scratch: string, host: string, reference: string): Promise<void> {
  const python = JSON.parse(
    await out([
      'python3',
      '-c',
      'import sys, json, sysconfig, pytest, os; print(json.dumps([sys.base_prefix, os.path.realpath(sys.executable), sysconfig.get_path("stdlib"), os.path.dirname(os.path.dirname(pytest.__file__))]))',
    ]),
  ) as [string, string, string, string];
  const [prefix, executable, stdlib, site] = python;
  await importBusybox(scratch, host, reference, [`ENV PATH=${RUST}/bin:/usr/bin:/bin`], async (tree) => {
    await put(tree, process.execPath, '/usr/bin/node');
    await put(tree, executable, join(prefix, 'bin', 'python3'));
    await mkdir(join(tree, stdlib), { recursive: true });
    const skipped = [
      'test',
      'idlelib',
      'tkinter',
      'ensurepip',
      'lib2to3',
      'site-packages',
      'dist-packages',
      '__pycache__',
      'turtledemo',
      'pydoc_data',
      'distutils',
      'unittest/test',
    ];
    await cp(stdlib, join(tree, stdlib), {
      recursive: true,
      filter: (source) =>
        !skipped.some(
          (name) => source === join(stdlib, name) || source.endsWith(`/${name}`) || source.includes('/config-3'),
        ),
    });
    const metadata = (await readdir(site)).filter((name) =>
      /^(pytest|pluggy|iniconfig|packaging|pygments)-.*\.dist-info$/i.test(name),
    );
    for (const name of [...PACKAGES, ...metadata])
      await cp(join(site, name), join(tree, site, name), {
        recursive: true,
        filter: (source) => !source.endsWith('__pycache__'),
      });
    const installed = join(import.meta.dirname, '../../../node_modules');
    for (const name of await closureOf('vitest', installed))
      await cp(join(installed, name), join(tree, 'opt/app/node_modules', name), {
        recursive: true,
        verbatimSymlinks: true,
      });
    const modules = (await out(['find', join(stdlib, 'lib-dynload'), '-name', '*.so'])).split('\n');
    const addons = (await out(['find', join(tree, 'opt/app/node_modules'), '-name', '*.node']))
      .split('\n')
      .filter((file) => !file.includes('musl'));
    const libraries = await librariesOf([
      process.execPath,
      executable,
      ...modules,
      ...addons,
      ...(await putRust(tree)),
    ]);
    for (const library of libraries) await put(tree, library);
    await mkdir(join(tree, 'usr', 'bin'), { recursive: true });
    await out(['ln', '-sf', join(prefix, 'bin', 'python3'), join(tree, 'usr', 'bin', 'python3')]);
    await out(['ln', '-sf', '/bin/busybox', join(tree, 'usr', 'bin', 'env')]);
    await chmod(join(tree, 'usr', 'bin', 'node'), 0o755);
  });
}

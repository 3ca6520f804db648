#!/usr/bin/env node
/**
 * A private dockerd for tests: own data root, exec root, socket and pid file below one folder, no bridge, no iptables rules.
 *
 *   node scripts/dockerd.mjs install            Debian's docker.io, when root and missing
 *   node scripts/dockerd.mjs start FOLDER       prints DOCKER_HOST and stays in the background
 *   node scripts/dockerd.mjs stop FOLDER        stops it, unmounts and deletes what it left
 *   node scripts/dockerd.mjs run FOLDER         in the foreground until SIGINT or SIGTERM
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
const present = (file) => file.startsWith('/') && existsSync(file);
const find = (name) =>
  PATH.split(':')
    .map((part) => join(part, name))
    .find(present) ?? null;

/** Why no private daemon can be started here, or null. */
export function whyNot() {
  if (process.getuid?.() !== 0) return 'a private dockerd needs root';
  return find('dockerd') === null ? 'dockerd is not installed (node scripts/dockerd.mjs install)' : null;
}

/** Installs Debian's packages. Idempotent. Throws with apt's output when that fails. */
export function install() {
  const wanted = [
    ['dockerd', 'docker.io'],
    ['busybox', 'busybox-static'],
  ]
    .filter(([program]) => find(program) === null)
    .map(([, name]) => name);
  if (wanted.length === 0) return 'present';
  if (process.getuid?.() !== 0) throw new Error(`not root: cannot install ${wanted.join(', ')}`);
  if (find('apt-get') === null)
    throw new Error(`there is no apt-get here: install ${wanted.join(' and ')} by the machine's own means`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', PATH };
  spawnSync('apt-get', ['update', '-q'], { env });
  // No daemon of the machine is started by the package: the tests bring their own.
  const done = spawnSync('apt-get', ['install', '-qy', '--no-install-recommends', ...wanted], {
    env: { ...env, RUNLEVEL: '1' },
    encoding: 'utf8',
  });
  if (done.status !== 0) throw new Error(`apt-get install ${wanted.join(' ')} failed:\n${done.stdout}\n${done.stderr}`);
  return 'installed';
}

const ping = (socket) =>
  new Promise((answer) => {
    const asked = request({ socketPath: socket, path: '/_ping', timeout: 2000, agent: false }, (response) => {
      response.resume();
      answer(response.statusCode === 200);
    });
    asked.on('error', () => answer(false));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });

const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Pids whose command line names the folder: dockerd, its containerd and the shims of its containers. */
function processesOf(root) {
  const found = spawnSync('pgrep', ['-f', '--', root], { encoding: 'utf8' }).stdout ?? '';
  return found
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && /dockerd|containerd/.test(commandOf(pid)));
}
const commandOf = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
  } catch {
    return '';
  }
};

const until = async (done, limitMs) => {
  const end = Date.now() + limitMs;
  while (!(await done())) {
    if (Date.now() > end) return false;
    await sleep(25);
  }
  return true;
};

/** Mounts below the folder, deepest first. */
const mountsBelow = (root) =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${root}/`))
    .sort((a, b) => b.length - a.length);

/**
 * Starts a daemon below `root` (made if needed) and resolves once it answers.
 * `parentDeath`: it ends with the process that started it, even when that is killed.
 */
export async function startDockerd(root, { parentDeath = true } = {}) {
  const why = whyNot();
  if (why !== null) throw new Error(why);
  const base = resolve(root);
  mkdirSync(base, { recursive: true, mode: 0o711 });
  const socket = join(base, 'docker.sock');
  const args = [
    '--data-root',
    join(base, 'data'),
    '--exec-root',
    join(base, 'exec'),
    '--pidfile',
    join(base, 'pid'),
    '--host',
    `unix://${socket}`,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--log-level=warn',
    '--shutdown-timeout=2',
  ];
  let child = null;
  const start = async () => {
    const log = openSync(join(base, 'log'), 'a');
    const command = [
      ...(parentDeath && find('setpriv') !== null ? [find('setpriv'), '--pdeathsig', 'TERM'] : []),
      find('dockerd'),
      ...args,
    ];
    rmSync(join(base, 'pid'), { force: true });
    child = spawn(command[0], command.slice(1), {
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH, DOCKER_HOST: '' },
      detached: !parentDeath,
    });
    closeSync(log);
    const started = child;
    if (
      !(await until(async () => started.exitCode !== null || (await ping(socket)), 60_000)) ||
      started.exitCode !== null
    )
      throw new Error(`dockerd did not start:\n${readFileSync(join(base, 'log'), 'utf8').slice(-2000)}`);
  };
  const end = async (signal) => {
    const pid = child?.pid;
    if (pid === undefined) return;
    if (alive(pid)) process.kill(pid, signal);
    await until(() => !alive(pid), 20_000);
  };
  await start();
  return {
    root: base,
    socket,
    host: `unix://${socket}`,
    pid: () => child.pid,
    /** Ends it in order (containers too) and starts it again on the same data. */
    restart: async () => {
      await end('SIGTERM');
      await start();
    },
    /** SIGKILL, as a crash would: shims and containers go on. */
    kill: async () => end('SIGKILL'),
    start,
    /** Ends everything and deletes the folder. */
    stop: async () => {
      await end('SIGTERM');
      await cleanUp(base);
    },
    unref: () => child.unref(),
  };
}

async function cleanUp(base) {
  for (const pid of processesOf(base)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended in the meantime
    }
  }
  await until(() => processesOf(base).length === 0, 5000);
  for (const mount of mountsBelow(base)) spawnSync('umount', ['-l', mount]);
  rmSync(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

async function main([verb, root]) {
  if (verb === 'install') {
    try {
      console.log(install());
    } catch (error) {
      console.error(`Docker cannot be installed: ${error.message}`);
      process.exitCode = 1;
    }
    return;
  }
  if (root === undefined || !['start', 'stop', 'run'].includes(verb)) {
    console.error('usage: node scripts/dockerd.mjs install | start FOLDER | stop FOLDER | run FOLDER');
    process.exitCode = 64;
    return;
  }
  if (verb === 'stop') {
    const base = resolve(root);
    const pid = existsSync(join(base, 'pid')) ? Number(readFileSync(join(base, 'pid'), 'utf8')) : 0;
    if (pid > 0 && /dockerd/.test(commandOf(pid)) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(base)) {
      process.kill(pid, 'SIGTERM');
      await until(() => !alive(pid), 20_000);
    }
    return cleanUp(base);
  }
  const daemon = await startDockerd(root, { parentDeath: verb === 'run' });
  console.log(`DOCKER_HOST=${daemon.host}`);
  if (verb === 'start') return daemon.unref();
  await new Promise((done) => ['SIGINT', 'SIGTERM'].forEach((signal) => process.once(signal, done)));
  await daemon.stop();
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await main(process.argv.slice(2));

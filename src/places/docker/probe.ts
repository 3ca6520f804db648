/**
 * Whether the daemon sees our files: a container, never started, that mounts a folder with a marker in it. A daemon on
 * another machine refuses the mount or does not find the marker. The answer is kept for this boot and daemon, so that a warm
 * run makes no container for it.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';
import { bootId } from '../../util/process.js';
import type { Api } from './api.js';
import { BARE, createBody, type ContainerSpec } from './container.js';
import { hostId, type Owner } from './owner.js';
import { destroyContainer } from './teardown.js';
import { isStatus, messageOf } from './transport.js';

export interface Probing {
  readonly api: Api;
  readonly owner: Owner;
  readonly image: string;
  readonly container: string;
  /** Below which everything lies that containers of any run will mount. */
  readonly stateFolder: string;
  /** The run's own folder, below it. */
  readonly folder: string;
  readonly cacheFolder: string;
}

const INSIDE = '/coherence/probe';

/** Null when it does, else why it does not. Throws DaemonTrouble for what is no answer. */
export async function cannotSee(probing: Probing): Promise<string | null> {
  const { api, folder } = probing;
  const key = sha256([await api.daemonId(), await hostId(), bootId(), probing.stateFolder].join('\n'));
  const known = join(probing.cacheFolder, 'docker', 'visible', key.slice(0, 32));
  if ((await readFile(known, 'utf8').catch(() => '')) === key) return null;

  const marker = randomBytes(12).toString('hex');
  const source = join(folder, `probe-${marker}`);
  await mkdir(source, { mode: 0o755 });
  await writeFile(join(source, marker), '');
  try {
    const spec: ContainerSpec = {
      ...BARE,
      name: probing.container,
      kind: 'probe',
      image: probing.image,
      command: ['true'],
      mounts: [{ source, target: INSIDE, readOnly: true }],
    };
    const id = await api.createContainer(spec.name, createBody(spec, probing.owner));
    if ((await api.statInside(id, `${INSIDE}/${marker}`)) === null)
      return 'the Docker daemon does not see the files of this machine';
  } catch (error) {
    if (isStatus(error, 400) && /bind source path|invalid mount/i.test(messageOf(error)))
      return 'the Docker daemon does not see the files of this machine';
    throw error;
  } finally {
    await destroyContainer(api, probing.container);
    await rm(source, { recursive: true, force: true });
  }
  await writeAtomically(known, key, 0o600).catch(() => undefined);
  return null;
}

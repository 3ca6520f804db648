/**
 * Whether memory ran out in a container. The daemon's own word (`OOMKilled`, the `oom` event) comes from a watcher that runs
 * beside the container's end: a shell that goes on after its child was killed can exit with 0 before that watcher has
 * spoken, and with the control group gone it never speaks. The kernel counts at once, for the whole machine: while its
 * counter stands still nobody was killed. When it moved, the daemon gets time to say who it was; unknown is no pass.
 */
import { readFile } from 'node:fs/promises';
import type { Api } from './api.js';
import { pause } from './teardown.js';

/** Processes that this kernel has killed for lack of memory; null where it does not tell. A daemon in a virtual machine has another kernel. */
export async function kernelKills(): Promise<number | null> {
  const text = await readFile('/proc/vmstat', 'utf8').catch(() => '');
  const found = /^oom_kill (\d+)$/mu.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** Waits between questions to the daemon: about a second and a half in all, and only when somebody was killed. */
const WAITS_MS = [0, 50, 100, 200, 400, 800];

/**
 * Null when no process of the container was killed for lack of memory, else what to say. `before`: the kernel's counter from
 * before its start. `since`: its creation by the daemon's clock.
 */
export async function outOfMemory(api: Api, id: string, before: number | null, since: string): Promise<string | null> {
  const after = await kernelKills();
  if (before === null || after === null || after === before) return null;
  let others = 0;
  for (const wait of WAITS_MS) {
    await pause(wait);
    const killed = await api.outOfMemorySince(since, new Date().toISOString());
    if (killed.includes(id)) return 'the limit of the environment was reached and the kernel killed a process';
    others = killed.length;
    if (others >= after - before) return null;
  }
  return 'the kernel killed a process of this machine while the check ran, and nobody says that it was another container’s';
}

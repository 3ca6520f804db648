/** After the suite: nothing of ours may be left running. What ran before the suite began is somebody else's. */
import { readFileSync, readdirSync } from 'node:fs';
import { say } from './setup.mjs';

const MARKS = [
  /\bdolt(?:\s|\0).*sql-server/,
  /\bdockerd\b.*coherence/,
  /coh-warm-/,
  /dist\/start\.cjs(?:\s|\0)(?:daemon|worker|warm-worker)/,
];
/** What is still ending gets a few seconds. */
const GRACE_MS = 10_000;

/** Process id → command line, of everything that the product or its tests start and that outlives a call. */
export function runningOfOurs() {
  const found = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (MARKS.some((mark) => mark.test(words))) found.set(name, words.slice(0, 160));
    } catch {
      continue;
    }
  }
  return found;
}

/** 0 when all that is still running ran before as well, else 1 with each survivor named. */
export async function leftRunning(before) {
  const left = () => [...runningOfOurs()].filter(([pid]) => !before.has(pid));
  const until = Date.now() + GRACE_MS;
  while (left().length > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 200));
  for (const [pid, words] of left()) say(`left running: ${pid} ${words}`);
  return left().length === 0 ? 0 : 1;
}

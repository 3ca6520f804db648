/** After the suite: nothing of ours may be left running. Names each survivor; exits 1 when there is one. */
import { readFileSync, readdirSync } from 'node:fs';

const MARKS = [/\bdolt(?:\s|\0).*sql-server/, /\bdockerd\b.*coherence/, /coh-warm-/, /dist\/daemon\.js/, /dist\/worker\.js/];
/** What is still ending gets a few seconds. */
const GRACE_MS = 10_000;
const survivors = () => {
  const left = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (MARKS.some((mark) => mark.test(words))) left.push(`${name} ${words.slice(0, 160)}`);
    } catch {
      continue;
    }
  }
  return left;
};
const until = Date.now() + GRACE_MS;
let left = survivors();
while (left.length > 0 && Date.now() < until) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  left = survivors();
}
for (const line of left) process.stderr.write(`left running: ${line}\n`);
process.exit(left.length === 0 ? 0 : 1);

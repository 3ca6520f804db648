/**
 * The writing side of a channel for reporters in JavaScript, as source text: reporters are copied into the reports
 * folder of a workspace, so they run wherever tests run (in a container too) and need nothing of this package.
 * Whatever it uses is taken at load, before a test could replace it.
 */
export const NODE_CHANNEL = String.raw`
import { createHmac } from 'node:crypto';
import { openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';

const description = process.env.COHERENCE_REPORT_CHANNEL;
delete process.env.COHERENCE_REPORT_CHANNEL;
const { stringify } = JSON;
const hmac = createHmac;
const write = writeSync;
let channel = null;
try {
  channel = JSON.parse(readFileSync(description, 'utf8'));
  if (channel.once) unlinkSync(description);
} catch {
  channel = null;
}
const session = process.pid + '-' + process.hrtime.bigint().toString(36);
const file = channel === null ? null : openSync(channel.folder + '/' + session + '.log', 'ax', 0o666);
let number = 0;

function send(event) {
  if (file === null) return;
  const json = stringify(event);
  const mac = hmac('sha256', channel.key).update(session + '\n' + number + '\n' + json).digest('hex');
  number += 1;
  write(file, mac + ' ' + json + '\n');
}
`;

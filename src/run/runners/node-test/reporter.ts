/**
 * The node:test reporter, as source text (after the channel's). A test file runs in a process of its own, with this
 * reporter in it; what a child process prints (which is all that `node --test` goes by) is never read.
 */
import { NODE_CHANNEL } from '../../reports/node-channel.js';

export const REPORTER_NAME = 'node-test-report.mjs';

export const REPORTER = `${NODE_CHANNEL}
${String.raw`
const clean = (text) => String(text ?? '').slice(0, 8000);
send({ type: 'session', version: process.version, file: process.argv[1] ?? '' });
let used = false;

export default async function* coherence(source) {
  if (used) return;
  used = true;
  for await (const { type, data } of source) {
    const at = { name: data?.name ?? '', nesting: data?.nesting ?? 0, file: data?.file ?? '', line: data?.line ?? null };
    if (type === 'test:dequeue') send({ type: 'dequeue', ...at });
    else if (type === 'test:complete') send({ type: 'complete', ...at });
    else if (type === 'test:start') send({ type: 'start', ...at });
    else if (type === 'test:pass' || type === 'test:fail') {
      const error = data.details?.error;
      const cause = error?.cause;
      send({
        type: 'result', ...at, passed: type === 'test:pass', skip: data.skip ?? false, todo: data.todo ?? false, suite: data.details?.type === 'suite',
        duration: data.details?.duration_ms ?? 0, failure: error?.failureType ?? '', message: clean(cause?.message ?? error?.message), stack: clean(cause?.stack ?? error?.stack ?? cause),
      });
    }
  }
  send({ type: 'end' });
}
`}`;

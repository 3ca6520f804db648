/**
 * The node:test reporter, as source text (after the channel's). A test file runs in a process of its own, with this
 * reporter in it; what a child process prints (which is all that `node --test` goes by) is never read.
 */
import { NODE_CHANNEL } from '../../run/reports/node-channel.js';

export const REPORTER_NAME = 'node-test-report.mjs';

export const REPORTER = `${NODE_CHANNEL}
${String.raw`
import { findSourceMap } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const clean = (text) => String(text ?? '').slice(0, 8000);
// Node tells the places of tests as its own source maps say, if it was asked for them; a loader's it knows and does not use.
const isMapped = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)].includes('--enable-source-maps');
function placeOf(data) {
  const at = { file: data?.file ?? '', line: data?.line ?? null, column: data?.column ?? null };
  if (isMapped || at.line === null || at.file === '') return at;
  const path = at.file.startsWith('file:') ? fileURLToPath(at.file) : at.file;
  const entry = (findSourceMap(path) ?? findSourceMap(pathToFileURL(path).href))?.findEntry(at.line - 1, (at.column ?? 1) - 1);
  return entry?.originalLine === undefined ? at : { file: at.file, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

// Errors that reach the process. Node fails the test that they belong to while it runs; one that comes later fails nobody.
let strays = 0;
let blamed = 0;
let last = '';
const stray = (error) => {
  strays += 1;
  last = clean(error?.message ?? error);
};
process.on('uncaughtExceptionMonitor', (error, origin) => {
  if (origin === 'uncaughtException') stray(error);
});
process.on('unhandledRejection', stray);
const BLAMED = new Set(['uncaughtException', 'unhandledRejection']);
send({ type: 'session', version: process.version, file: process.argv[1] ?? '' });
let used = false;

export default async function* coherence(source) {
  if (used) return;
  used = true;
  for await (const { type, data } of source) {
    const at = { name: data?.name ?? '', nesting: data?.nesting ?? 0, ...placeOf(data) };
    if (type === 'test:dequeue') send({ type: 'dequeue', ...at });
    else if (type === 'test:complete') send({ type: 'complete', ...at });
    else if (type === 'test:start') send({ type: 'start', ...at });
    else if (type === 'test:pass' || type === 'test:fail') {
      const error = data.details?.error;
      const cause = error?.cause;
      if (BLAMED.has(error?.failureType)) blamed += 1;
      send({
        type: 'result', ...at, passed: type === 'test:pass', skip: data.skip ?? false, todo: data.todo ?? false, suite: data.details?.type === 'suite',
        duration: data.details?.duration_ms ?? 0, failure: error?.failureType ?? '', message: clean(cause?.message ?? error?.message), stack: clean(cause?.stack ?? error?.stack ?? cause),
      });
    }
  }
  send({ type: 'end', strays: strays - blamed, stray: last });
}
`}`;

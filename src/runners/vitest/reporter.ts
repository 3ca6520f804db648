/**
 * The vitest reporter, as source text (after the channel's). It runs in vitest's main process, not where tests run.
 * vitest 3 and later report through their test-case API, 1 and 2 through tasks; both give the same events:
 * session, queued, started, test (collected, running, passed, failed, skipped), module, end.
 */
import { NODE_CHANNEL } from '../../run/reports/node-channel.js';
import { SETUP_NAME } from './setup.js';

export const REPORTER_NAME = 'vitest-report.mjs';

export const REPORTER = `${NODE_CHANNEL}
${String.raw`
import { existsSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

const clean = (text) => stripVTControlCharacters(String(text ?? '')).slice(0, 12000);
const errorsOf = (errors, most = 5) => (errors ?? []).slice(0, most).map((error) => ({
  message: clean(error?.message ?? error),
  text: clean([error?.message, error?.cause?.message && 'Caused by: ' + error.cause.message, error?.diff, (error?.stacks ?? []).slice(0, 5).map((at) => '    at ' + at.file + ':' + at.line + ':' + at.column).join('\n')].filter(Boolean).join('\n')),
  path: typeof error?.VITEST_TEST_PATH === 'string' ? error.VITEST_TEST_PATH : null,
  noSnapshot: isNoSnapshot(error),
}));

// A comparison with a snapshot that is not stored: what is expected is not there.
const isNoSnapshot = (error) => typeof error?.message === 'string' && error.message.startsWith('Snapshot ') && (error.expected === undefined || error.expected === null || error.expected === 'undefined' || error.expected === 'null');

// Each casts doubt on some file, so none may be left out; beyond a flood of them nothing is believed.
const MANY = 500;
const unhandled = (errors) => errorsOf(errors, MANY).concat((errors ?? []).length > MANY ? [{ message: 'more than ' + MANY + ' errors were left unhandled', text: '', path: null }] : []);

function enclosing(test) {
  const names = [test.name];
  const errors = [];
  for (let at = test.parent; at && at.type !== 'module'; at = at.parent) {
    names.unshift(at.name);
    errors.push(...(at.errors?.() ?? []));
  }
  errors.push(...(test.module?.errors?.() ?? []));
  return { names, errors };
}

// A suite that is to do or skipped may hold no test that could say so.
function sendSuite(suite) {
  const mode = suite.options?.mode ?? '';
  if (mode === 'todo' || mode === 'skip') send({ type: 'suite', module: suite.module.moduleId, path: enclosing(suite).names, mode });
}

// Tests of types have no names to choose by: the type checker judges the whole file.
const isTyped = (file) => file?.pool === 'typescript' || file?.meta?.typecheck === true;

let filter;
const filtered = (names) => (filter ? !filter.test(names.join(' ')) : false);

function sendTest(test, kind) {
  const { names, errors } = enclosing(test);
  const result = test.result();
  const times = test.diagnostic?.();
  send({
    type: 'test', kind, id: test.id, module: test.module.moduleId, typed: isTyped(test.module.task) || test.module.meta?.().typecheck === true, path: names, line: test.location?.line ?? null, column: test.location?.column ?? null, fails: test.options?.fails === true, mode: test.options?.mode ?? '', filtered: filtered(names),
    state: kind === 'result' ? (result?.state ?? 'pending') : kind, note: clean(result?.note), errors: errorsOf(result?.errors), around: errorsOf(errors),
    start: times?.startTime ?? null, duration: times?.duration ?? 0, retries: times?.flaky === true ? times.retryCount : 0,
  });
}

const STATES = { pass: 'passed', fail: 'failed', skip: 'skipped', todo: 'skipped', run: 'running', queued: 'collected' };

function sendTask(task, kind) {
  const names = [task.name];
  const errors = [];
  for (let at = task.suite; at && at.filepath === undefined; at = at.suite) {
    if (at.name !== '') names.unshift(at.name);
    errors.push(...(at.result?.errors ?? []));
  }
  errors.push(...(task.file?.result?.errors ?? []));
  const result = task.result;
  const state = result?.state !== undefined ? STATES[result.state] ?? 'pending' : task.mode === 'skip' || task.mode === 'todo' ? 'skipped' : 'pending';
  send({
    type: 'test', kind, id: task.id, module: task.file.filepath, typed: isTyped(task.file), path: names, line: task.location?.line ?? null, column: task.location?.column ?? null, fails: task.fails === true, mode: task.mode, filtered: filtered(names),
    state: kind === 'result' ? state : kind, note: clean(result?.note), errors: errorsOf(result?.errors), around: errorsOf(errors),
    start: result?.startTime ?? null, duration: result?.duration ?? 0, retries: state === 'passed' ? result?.retryCount ?? 0 : 0,
  });
}

function sendSuites(task, path) {
  for (const inner of task.tasks ?? []) {
    if (!inner.tasks) continue;
    const names = [...path, inner.name];
    if (inner.mode === 'todo' || inner.mode === 'skip') send({ type: 'suite', module: task.file?.filepath ?? task.filepath, path: names, mode: inner.mode });
    sendSuites(inner, names);
  }
}

const tasksIn = (task) => (task.type === 'suite' || task.tasks ? (task.tasks ?? []).flatMap(tasksIn) : [task]);

// vitest 1 and 2 have no option for locations; a snapshot that the run writes proves nothing, so none is written.
const setup = decodeURIComponent(import.meta.url.replace(/[^/]*$/, '${SETUP_NAME}').replace(/^file:\/\//, ''));
function prepare(config) {
  config.includeTaskLocation = true;
  if (config.snapshotOptions) config.snapshotOptions.updateSnapshot = 'none';
  if (Array.isArray(config.setupFiles) && existsSync(setup)) config.setupFiles = [setup, ...config.setupFiles.filter((file) => !String(file).endsWith('/${SETUP_NAME}'))];
}

export default class CoherenceReporter {
  onInit(vitest) {
    this.vitest = vitest;
    this.modern = Number.parseInt(vitest.version ?? '0', 10) >= 3;
    for (const config of [vitest.config, ...(vitest.projects ?? []).map((project) => project.config)]) if (config) prepare(config);
    const pattern = vitest.config?.testNamePattern;
    filter = pattern instanceof RegExp ? new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')) : typeof pattern === 'string' ? new RegExp(pattern) : undefined;
    send({ type: 'session', version: vitest.version ?? '' });
  }

  onTestModuleQueued(module) {
    send({ type: 'queued', module: module.moduleId });
  }

  onTestModuleCollected(module) {
    for (const test of module.children.allTests()) sendTest(test, 'collected');
    for (const suite of module.children.allSuites?.() ?? []) sendSuite(suite);
  }

  onTestModuleStart(module) {
    send({ type: 'started', module: module.moduleId });
  }

  onTestCaseReady(test) {
    sendTest(test, 'running');
  }

  onTestCaseResult(test) {
    sendTest(test, 'result');
  }

  onTestModuleEnd(module) {
    for (const test of module.children.allTests()) if (enclosing(test).errors.length > 0) sendTest(test, 'result');
    send({ type: 'module', module: module.moduleId, state: module.state(), errors: errorsOf(module.errors()) });
  }

  onTestRunEnd(modules, errors, reason) {
    // vitest 3 tells the end of a file that could not be loaded here only.
    for (const module of modules ?? []) if (module.errors().length > 0) send({ type: 'module', module: module.moduleId, state: module.state(), errors: errorsOf(module.errors()) });
    this.end(errors, reason);
  }

  end(errors, reason) {
    // Whether the project ignores them or not: a test whose work went wrong after its end has not passed.
    send({ type: 'end', reason: reason ?? '', errors: unhandled(errors) });
  }

  onPathsCollected(paths) {
    if (!this.modern) for (const path of paths ?? []) send({ type: 'queued', module: path });
  }

  onCollected(files) {
    if (this.modern) return;
    for (const file of files ?? []) {
      send({ type: 'started', module: file.filepath });
      for (const task of tasksIn(file)) sendTask(task, 'collected');
      sendSuites(file, []);
    }
  }

  onTaskUpdate(packs) {
    if (this.modern) return;
    for (const [id] of packs) {
      const task = this.vitest.state.idMap.get(id);
      if (task === undefined || task.type === 'suite' || task.tasks) continue;
      sendTask(task, task.result?.state === 'run' ? 'running' : 'result');
    }
  }

  onFinished(files, errors) {
    if (this.modern) return;
    for (const file of files ?? []) {
      for (const task of tasksIn(file)) sendTask(task, 'result');
      // A file whose worker died has no result.
      if (file.result?.state !== undefined) send({ type: 'module', module: file.filepath, state: file.result?.state === 'fail' ? 'failed' : 'passed', errors: errorsOf(file.result?.errors) });
    }
    this.end(errors, '');
  }
}
`}`;

/**
 * A set-up file of ours for vitest, as source text; it runs before the project's own ones, in the process of each test file.
 * After the file's last test it waits for what the tests left behind (timers, requests to the system): an error that comes late
 * must come while vitest still listens. It waits for a bounded time, and only while something is pending that was not before.
 */
export const SETUP_NAME = 'vitest-setup.mjs';

/** How long it waits at most, a file. A timer that fires later than that is seen by nobody, as in vitest itself. */
const LATE_MS = 1000;

/*
 * Sockets, servers and child processes are not waited for: many projects leave them open on purpose, and each file would then
 * take the whole time. Taken at load, before fake timers replace them: setTimeout, setImmediate, performance.
 */
export const SETUP = String.raw`
const hooks = await import('vitest').catch(() => ({}));
const { setTimeout: later, setImmediate: soon, performance: clock } = globalThis;
const pendingKinds = /^(?:Timeout|Immediate|FS|GetAddrInfo|GetNameInfo|DNS|QUERY|ZLIB|.*CRYPTO|.*JOB|.*REQUEST|.*Req)/i;
const pending = () => globalThis.process?.getActiveResourcesInfo?.().filter((kind) => pendingKinds.test(kind)).length ?? 0;
const turn = () => new Promise((resolve) => soon(resolve));
const rest = (milliseconds) => new Promise((resolve) => later(resolve, milliseconds));
if (typeof hooks.afterAll === 'function' && typeof soon === 'function') {
  // Counted inside a hook like the other one: vitest's own timer for a hook is among them then, too.
  let before = 0;
  hooks.beforeAll(() => {
    before = pending();
  }, ${LATE_MS} + 5000);
  hooks.afterAll(async () => {
    const until = clock.now() + ${LATE_MS};
    await turn();
    await turn();
    for (let pause = 1; pending() > before && clock.now() < until; pause = Math.min(pause * 2, 25)) await rest(pause);
    await turn();
  }, ${LATE_MS} + 5000);
}
`;

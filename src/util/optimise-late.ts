/**
 * Most commands live for a third of a second. V8 11 (Node 20) optimises a function after a few hundred calls, on a second thread that
 * takes memory and the processor's share from the first, and the command ends before that pays: a no-op run over 1,000 cached checks
 * is a fifth faster, and uses a third less processor time, when V8 waits (docs/start.md). V8 12 waits that long by itself.
 */
import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that run before V8 looks whether a function is worth it. */
const PATIENT = 540_672;
/** V8's own figure. */
const USUAL = 67_584;
/** A process that still lives has work worth optimising for. */
const SHORT_LIFE_MS = 400;

/** Call at the start of a process that is probably short. Does nothing on a V8 that has no such flag: it would complain aloud. */
export function optimiseLate(): void {
  if (!process.versions.v8.startsWith('11.')) return;
  setFlagsFromString(`--interrupt-budget=${PATIENT}`);
  setTimeout(() => setFlagsFromString(`--interrupt-budget=${USUAL}`), SHORT_LIFE_MS).unref();
}

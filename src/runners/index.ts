/**
 * The runners, one entry each. Those that serve many tests with one process are wrapped in crash isolation.
 */
import type { RunnerName } from '../model/index.js';
import type { Runner } from '../run/adapters.js';
import { withIsolation } from '../run/decorators/isolation.js';
import { command } from './command/index.js';
import { go } from './go/index.js';
import { nodeTest } from './node-test/index.js';
import { pytest } from './pytest/index.js';
import { vitest } from './vitest/index.js';

export interface RunnersOptions {
  /** `backends.node.bin`; default: the Node that runs us. */
  readonly node?: string;
  /** `backends.go.bin`; default: `go`. */
  readonly go?: string;
  /** `backends.python.bin`; default: the project's own environment, else Python on PATH. */
  readonly python?: string | null;
  /** The cargo runner, made by `../cargo` with its own settings; absent: cargo tests are unavailable. */
  readonly cargo?: Runner;
}

/** All runners by name. */
export function runners(options: RunnersOptions = {}): ReadonlyMap<RunnerName, Runner> {
  const node = options.node === undefined ? {} : { node: options.node };
  const all = [
    withIsolation(vitest(node)),
    withIsolation(nodeTest(node)),
    withIsolation(pytest(options.python)),
    withIsolation(go(options.go)),
    command,
    ...(options.cargo === undefined ? [] : [options.cargo]),
  ];
  return new Map(all.map((runner) => [runner.name, runner]));
}

/**
 * The record itself (contract, section 5), each check whole but for what is long and the same in thousands of checks: the
 * words of a batch's command, the criteria that it serves. `run.json` has these in full, once a batch.
 */
import type { CheckRecord, RunRecord } from '../model/index.js';
import type { Reporter } from './reporter.js';

/** Characters of a command, and of a variable's value. */
const COMMAND = 4096;
const VALUE = 1024;

function shortCommand(command: readonly string[]): readonly string[] {
  let length = 0;
  const end = command.findIndex((word) => (length += word.length + 1) > COMMAND);
  if (end === -1) return command;
  const room = COMMAND - (length - (command[end]?.length ?? 0) - 1);
  return [
    ...command.slice(0, end),
    `${command[end]?.slice(0, room)}… ${length - COMMAND} characters and ${command.length - end - 1} words more`,
  ];
}

const shortEnv = (env: CheckRecord['env']): CheckRecord['env'] =>
  Object.values(env).every((value) => value.length <= VALUE)
    ? env
    : Object.fromEntries(
        Object.entries(env).map(([name, value]) => [
          name,
          value.length <= VALUE ? value : `${value.slice(0, VALUE)}… ${value.length - VALUE} characters more`,
        ]),
      );

const shortRecord = (record: RunRecord): RunRecord => ({
  ...record,
  specs: record.specs.map((spec) => ({
    ...spec,
    criteria: spec.criteria.map((criterion) => ({
      ...criterion,
      checks: criterion.checks.map((check) => ({
        ...check,
        command: shortCommand(check.command),
        env: shortEnv(check.env),
      })),
    })),
  })),
});

export const json: Reporter = { name: 'json', render: (record) => `${JSON.stringify(shortRecord(record), null, 2)}\n` };

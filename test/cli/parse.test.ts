import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GLOBAL_OPTIONS } from '../../src/cli/globals.js';
import { commandHelp, overview } from '../../src/cli/help.js';
import { parse } from '../../src/cli/parse.js';
import { COMMANDS } from '../../src/cli/table/index.js';

const read = (...argv: string[]) => parse(argv, COMMANDS, GLOBAL_OPTIONS);
const input = (...argv: string[]) => {
  const parsed = read(...argv);
  if (!parsed.ok) throw new Error(parsed.failures[0]?.message);
  return parsed.value;
};
const refusal = (...argv: string[]): string => {
  const parsed = read(...argv);
  return parsed.ok
    ? 'accepted'
    : `${parsed.failures[0]?.kind}: ${parsed.failures[0]?.message} ${parsed.failures[0]?.hint ?? ''}`;
};

describe('values', () => {
  // @verifies AC-cli-values-verbatim
  it('arrive exactly as typed', () => {
    fc.assert(
      fc.property(fc.string(), (title) => {
        expect(input('spec', 'add', '--title', title).input.text('title')).toBe(title);
        expect(input('spec', 'add', `--title=${title}`).input.text('title')).toBe(title);
      }),
    );
    expect(input('spec', 'add', '--title', '-x').input.text('title')).toBe('-x');
    expect(input('spec', 'add', '--title', '1.10').input.text('title')).toBe('1.10');
    expect(input('spec', 'add', '--title=').input.text('title')).toBe('');
  });

  it('of an optional option come only with an equals sign', () => {
    expect(input('verify', '--changed', 'AC-a').input.args).toEqual(['AC-a']);
    expect(input('verify', '--changed=main').input.text('changed')).toBe('main');
  });

  it('after -- are arguments', () => expect(input('verify', '--', '--all').input.args).toEqual(['--all']));
});

describe('routing', () => {
  it('takes options before and after the command', () => {
    for (const argv of [
      ['--speculative', 'verify', 'SPEC-a'],
      ['verify', 'SPEC-a', '--speculative'],
      ['--cwd', 'x', 'verify', 'SPEC-a', '--speculative'],
    ]) {
      const parsed = input(...argv);
      expect(parsed.command?.name).toBe('verify');
      expect(parsed.input.flag('speculative')).toBe(true);
      expect(parsed.input.args).toEqual(['SPEC-a']);
    }
  });

  // @verifies AC-cli-usage-errors
  it.each([
    [['frobnicate'], 'Unknown command "frobnicate"'],
    [['verfy'], 'coherence verify'],
    [['spec', 'ad'], 'spec add'],
    [['spec'], 'needs a second word'],
    [['verify', '--jbos', '2'], '--jobs'],
    [['spec', 'add', '--lvel', 'x'], '--level'],
    [['spec', 'add', '--level', 'sky'], 'product, system, module, component, foundation'],
    [['verify', '--jobs', 'two'], 'whole number'],
    [['check', 'SPEC-a'], 'Unexpected argument'],
    [['spec', 'show'], 'needs SPEC'],
    [['check', '--strict'], 'has no option --strict'],
    [['verify', '--all=1'], 'takes no value'],
    [['verify', '--jobs'], 'needs a value'],
  ])('%j is refused with what to do', (argv, text) => {
    expect(refusal(...argv)).toMatch(/^usage: /);
    expect(refusal(...argv)).toContain(text);
  });

  it('never throws, whatever is typed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('verify', 'spec', '--title', '--json', '--', '-q'))),
        (argv) => {
          expect(typeof read(...argv).ok).toBe('boolean');
        },
      ),
    );
  });
});

describe('the table', () => {
  it('gives an option one kind everywhere, so that it may stand before the command', () => {
    const kinds = new Map<string, string>();
    for (const option of [...GLOBAL_OPTIONS, ...COMMANDS.flatMap((command) => command.options)]) {
      expect([option.name, kinds.get(option.name) ?? option.kind]).toEqual([option.name, option.kind]);
      kinds.set(option.name, option.kind);
    }
  });

  // @verifies AC-cli-help-examples
  it('has a summary and an example for every command, and help shows them', () => {
    for (const command of COMMANDS) {
      expect([command.name, command.summary.length > 5]).toEqual([command.name, true]);
      if (command.hidden === true) continue;
      expect([command.name, command.examples.length > 0]).toEqual([command.name, true]);
      expect(commandHelp(command, GLOBAL_OPTIONS)).toContain(command.examples[0]?.command);
      expect(overview(COMMANDS, '1')).toContain(`  ${command.name}`);
    }
  });

  it('loads code for every command', async () => {
    for (const command of COMMANDS)
      expect([command.name, typeof (await command.load())]).toEqual([command.name, 'function']);
  });
});

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { settingKeys } from '../../src/config/index.js';

it('docs/configuration.md has each key with its default, range and marks', () => {
  const rows = new Map(
    readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
      .split('\n')
      .flatMap((line) => {
        const key = /^\| `([a-z0-9_.]+)` \|/.exec(line)?.[1];
        return key === undefined
          ? []
          : [
              [
                key,
                line
                  .split('|')
                  .slice(2, -1)
                  .map((cell) => cell.trim()),
              ] as const,
            ];
      }),
  );
  const expected = settingKeys.map((setting) => {
    const allowed =
      setting.values?.join(', ') ??
      (setting.range === undefined ? setting.type : `${setting.range[0]}…${setting.range[1]}`);
    const initial =
      setting.key === 'backends.node.bin'
        ? '(running Node.js)'
        : setting.default === null
          ? '–'
          : typeof setting.default === 'string'
            ? setting.default
            : JSON.stringify(setting.default);
    return [setting.key, [initial, allowed, setting.hot ? 'yes' : '', setting.machineOnly ? 'yes' : '', setting.doc]];
  });
  expect([...rows].filter(([key]) => settingKeys.some((setting) => setting.key === key))).toEqual(expected);
});

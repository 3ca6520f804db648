import { describe, expect, it } from 'vitest';
import { JUNIT, TAP } from './command-rows.js';
import { judge, mistakesProject, wrongRows } from './rig.js';

describe('mistakes with commands', () => {
  // @verifies AC-runners-report-says-worst AC-runners-unreadable-report
  it('believes what a report says worst', async () => {
    const rows = [...JUNIT, ...TAP];
    await using project = await mistakesProject(rows);
    expect(wrongRows(rows, await judge(project))).toEqual([]);
  });
});

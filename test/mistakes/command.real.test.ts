import { describe, expect, it } from 'vitest';
import { LAUNCHER_ROWS, SCRIPT_ROWS } from './command-launchers.js';
import { JUNIT, TAP } from './command-rows.js';
import { installHere } from '../rig/project.js';
import { judge, mistakesProject, wrongRows } from './rig.js';

describe('mistakes with commands', () => {
  // @verifies AC-runners-report-says-worst AC-runners-unreadable-report
  it('believes what a report says worst', async () => {
    const rows = [...JUNIT, ...TAP];
    await using project = await mistakesProject(rows);
    expect(wrongRows(rows, await judge(project))).toEqual([]);
  });

  // @verifies AC-run-scripts-are-followed AC-run-known-runner-needs-report
  it('follows package scripts and launchers to the runner that they start', async () => {
    const rows = [...SCRIPT_ROWS, ...LAUNCHER_ROWS];
    await using project = await mistakesProject(rows);
    await installHere(project);
    expect(wrongRows(rows, await judge(project))).toEqual([]);
  });
});

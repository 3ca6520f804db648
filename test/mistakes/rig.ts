/**
 * A bench for the corpus of mistakes: one project that holds the files of many rows, judged by one `verify --all --json`.
 */
import { appendFileSync } from 'node:fs';
import { testProject, verdicts, type RunOptions, type TestProject } from '../rig/project.js';

/** One honest mistake: what was tried, and the verdict that is right. */
export interface Mistake {
  /** Id of the trial (`v03`) or a name of one's own; unique in its table. */
  readonly id: string;
  readonly tried: string;
  /** Files of the project, by path; rows share one project, so each row has paths of its own. */
  readonly files: Readonly<Record<string, string>>;
  /** The criterion that the row is about; default `AC-<id>`. A row without a spec file of its own gets it in a shared spec. */
  readonly criterion?: string;
  /** Entry of `verified_by` for a criterion in the shared spec, as YAML flow (`{ run: "true" }`); absent: only tags verify it. */
  readonly link?: string;
  /** `PASS(executed)`; several where more than one is right; `not PASS` for any other verdict. */
  readonly wanted: string | readonly string[];
}

export const criterionOf = (row: Mistake): string => row.criterion ?? `AC-${row.id}`;

/** The shared spec of all rows. */
export const specOf = (rows: readonly Mistake[]): string =>
  [
    'id: SPEC-mistakes',
    'title: Mistakes',
    'level: module',
    'status: active',
    'criteria:',
    ...rows.flatMap((row) => [
      `  - id: ${criterionOf(row)}`,
      `    title: ${JSON.stringify(row.tried)}`,
      ...(row.link === undefined ? [] : ['    verified_by:', `      - ${row.link}`]),
    ]),
    '',
  ].join('\n');

/** A committed project with the files of all rows, `specs/mistakes.yaml`, and what `more` adds. */
export async function mistakesProject(
  rows: readonly Mistake[],
  more: Readonly<Record<string, string>> = {},
): Promise<TestProject> {
  const files = Object.assign({}, ...rows.map((row) => row.files)) as Record<string, string>; // each one is such a record
  const project = await testProject({ ...files, 'specs/mistakes.yaml': specOf(rows), ...more });
  await project.commit('base');
  return project;
}

/** Runs `verify --all --json`: criterion → `VERDICT(reason)`. */
export async function judge(
  project: TestProject,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<ReadonlyMap<string, string>> {
  const { record } = await project.verify(['--all', '--no-cache', ...args], options);
  return new Map(Object.entries(verdicts(record)));
}

const isWanted = (row: Mistake, verdict: string): boolean =>
  [row.wanted].flat().some((wanted) => (wanted === 'not PASS' ? !verdict.startsWith('PASS') : wanted === verdict));

/** For `npm run bench -- truth`: how many rows want something else than PASS, and which of those got it all the same. */
function count(rows: readonly Mistake[], judged: ReadonlyMap<string, string>): void {
  const log = process.env['COHERENCE_TRUTH_LOG'];
  if (log === undefined) return;
  const planted = rows.filter((row) => ![row.wanted].flat().some((wanted) => wanted.startsWith('PASS')));
  const green = planted.filter((row) => judged.get(criterionOf(row))?.startsWith('PASS') === true);
  appendFileSync(
    log,
    `${JSON.stringify({ rows: rows.length, planted: planted.length, green: green.map((row) => row.id) })}\n`,
  );
}

/** Rows that were judged wrongly, a line each; empty is what a test wants. */
export function wrongRows(rows: readonly Mistake[], judged: ReadonlyMap<string, string>): string[] {
  count(rows, judged);
  return rows.flatMap((row) => {
    const verdict = judged.get(criterionOf(row)) ?? 'nothing';
    return isWanted(row, verdict)
      ? []
      : [`${row.id} ${row.tried}: ${verdict}, wanted ${[row.wanted].flat().join(' or ')}`];
  });
}

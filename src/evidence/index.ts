export { recordOf, type RecordContext } from './record.js';
export { listRuns, openRunFolder, readRun, runsFolder, type RunFolder } from './runs.js';
export { exitCodeOfRun, judgeCase, judgeCheck, judgeCriterion, judgePlan, judgeSpec, type CaseResult, type Judged, type Judgement } from './verdict.js';
export { wordingOf } from './wording.js';

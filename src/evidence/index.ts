export { auditSize, sample } from './cache/sample.js';
export { openVerdictCache, type AuditFigures, type CachedVerdict, type VerdictCache } from './cache/verdicts.js';
export { packRecord, unpackRecord, type PackedRecord } from './packed.js';
export { isByExitCode, recordOf, weakPasses, type RecordContext } from './record.js';
export { listRuns, openRunFolder, readRun, runsFolder, type RunFolder } from './runs.js';
export {
  exitCodeOfRun,
  judgeCase,
  judgeCheck,
  judgeCriterion,
  judgePlan,
  judgeSpec,
  type CaseResult,
  type Judged,
  type Judgement,
  type JudgePolicy,
} from './verdict.js';
export { wordingOf } from './wording.js';

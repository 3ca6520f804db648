/** The use cases, for the faces: command line and daemon. */
export { loadProject as openProject, loadWithDefaults as openWithDefaults, type Project } from '../config/index.js';
export { analyse, readCatalog, type Analysis } from './analyse.js';
export { auditFigures } from './cache.js';
export { coverageView, type CoverageRequest } from './coverage-view.js';
export { diagnose, type Finding } from './doctor.js';
export {
  addCriterion,
  addSpec,
  allCriteria,
  editCriterion,
  editSpec,
  linkCriterion,
  removeCriterion,
  removeSpec,
  unknownId,
  unlinkCriterion,
  type CriterionFields,
  type Edit,
  type SpecFields,
} from './edits.js';
export { explainReuse, type Explained } from './explain.js';
export { blockedText, judgeGate, type GateRequest, type PushVerdict } from './gate/index.js';
export { installHook, uninstallHook, type Hook } from './hook/index.js';
export { initProject, type Initialised } from './init.js';
export { planPreview, type PlanPreview } from './preview.js';
export { loadRun, recordedRuns } from './runs.js';
export { settingFiles, settingOf, settingsOf, setSetting, unsetSetting, type ShownSetting } from './settings.js';
export { applyCatalogChange, catalogAt } from './store.js';
export * from './store.js';
export { fixDolt, repairJournal } from './store-extras.js';
export { suggestions, type Suggestion } from './suggestions.js';
export { objectionsTo, prepare, verifyProject, type Prepared, type Verification } from './verify.js';
export type { VerifyContext, VerifyRequest } from './verify-request.js';
export { verify } from './verify-anywhere.js';
export { cleanProject, collectLayers, warmPath, warmSession } from './warm.js';
export { reloadDaemon } from './reload.js';
export * from './export.js';
export * from './import.js';
export * from './merge-file.js';
export { syncProject, syncState, type SyncOutcome } from './sync.js';
export type { Conflict, Side } from '../catalog/index.js';
export * from './orchestrator.js';
export * from './daemon-client.js';
export * from './daemon-protocol.js';
export * from './run-job.js';
export * from './daemon-control.js';
export {
  addToQueue,
  cancelQueued,
  listQueue,
  retryQueued,
  showQueued,
  type Queued,
  type QueueRequest,
  type ShownRun,
} from './queue.js';
export { evictPool, listPool, warmPool } from './pool.js';
export { sweepProject } from './sweep.js';
export { pushVerdicts } from './outbox.js';
export { warmJobs } from './warm-jobs.js';
export { hasContainerRuns, reapContainers } from './containers.js';

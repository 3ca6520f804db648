/** The use cases, for the faces: command line and daemon. */
export { loadProject as openProject, loadWithDefaults as openWithDefaults, type Project } from '../config/index.js';
export { analyse, readCatalog, type Analysis } from './analysis/analyse.js';
export { auditFigures } from './reuse/cache.js';
export { coverageView, type CoverageRequest } from './analysis/coverage-view.js';
export { diagnose, type Finding } from './project/doctor.js';
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
} from './catalog/edits.js';
export { explainReuse, type Explained } from './reuse/explain.js';
export { blockedText, judgeGate, type GateRequest, type PushVerdict } from './gate/index.js';
export { installHook, uninstallHook, type Hook } from './hook/index.js';
export { initProject, type Initialised } from './project/init.js';
export { planPreview, type PlanPreview } from './analysis/preview.js';
export { loadRun, recordedRuns } from './analysis/runs.js';
export {
  settingFiles,
  settingOf,
  settingsOf,
  setSetting,
  unsetSetting,
  type ShownSetting,
} from './project/settings.js';
export { applyCatalogChange, catalogAt } from './store/store.js';
export * from './store/store.js';
export { fixDolt, repairJournal } from './store/store-extras.js';
export { suggestions, type Suggestion } from './analysis/suggestions.js';
export { objectionsTo, prepare, verifyProject, type Prepared, type Verification } from './verify/verify.js';
export type { VerifyContext, VerifyRequest } from './verify/verify-request.js';
export { verify } from './verify/verify-anywhere.js';
export { cleanProject, collectLayers, warmPath, warmSession } from './verify/warm.js';
export { reloadDaemon } from './daemon/reload.js';
export * from './catalog/export.js';
export * from './catalog/import.js';
export * from './catalog/merge-file.js';
export { syncProject, syncState, type SyncOutcome } from './store/sync.js';
export type { Conflict, Side } from '../catalog/index.js';
export * from './daemon/orchestrator.js';
export * from './daemon/daemon-client.js';
export * from './daemon/daemon-protocol.js';
export * from './queue/run-job.js';
export * from './daemon/daemon-control.js';
export {
  addToQueue,
  cancelQueued,
  listQueue,
  retryQueued,
  showQueued,
  type Queued,
  type QueueRequest,
  type ShownRun,
} from './queue/queue.js';
export { evictPool, listPool, warmPool } from './queue/pool.js';
export { sweepProject } from './queue/sweep.js';
export { pushVerdicts } from './queue/outbox.js';
export { warmJobs } from './verify/warm-jobs.js';
export { hasContainerRuns, reapContainers } from './verify/containers.js';

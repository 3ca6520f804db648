/** The front door of the store. */
export { databaseName, environmentOf, guardTarget, requireTestDatabase, storeEnvironment } from './database-name.js';
export { ENVIRONMENTS, type StoreEnvironment, type StorePlace } from './place.js';
export type * from './port.js';
export { compact, countPosted, countSetAside, drain, post } from './outbox.js';
export { findDolt, versionOf, type DoltBinary } from './dolt/binary.js';
export { DOLT_VERSION, HOW_TO_GET_DOLT, MOVED, noDolt, noStore } from './dolt/failures.js';
export { ensureDolt, type Progress } from './dolt/install.js';
export { cloneStore, openStore, storeExists, type OpenOptions } from './dolt/open.js';
export type { Fork } from './dolt/branches.js';
export { doltBranch } from './dolt/branches.js';
export { serverPaths } from './dolt/paths.js';
export { openServer, runningServer, stopServer } from './dolt/server.js';

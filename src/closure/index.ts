export { cargoClosure } from './cargo.js';
export { commandClosure } from './command.js';
export { cacheKey, environmentDigest, type EnvironmentDigest, type KeyParts } from './key.js';
export { pytestClosure } from './pytest.js';
export type { Closure, ClosureTree, InstalledPackage } from './types.js';
export { typescriptClosure } from './typescript.js';

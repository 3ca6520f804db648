export {
  loadProject,
  loadWithDefaults,
  loadSettings,
  projectRoot,
  type LoadedSettings,
  type LoadOptions,
  type Project,
} from './load.js';
export type { Settings } from './settings.js';
export type { DockerEnvironment, DockerLimits, DockerSetup, DockerSource } from './environments.js';
export {
  environmentVariable,
  settingKey,
  settingKeys,
  settingNames,
  type SettingKey,
  type SettingType,
} from './keys.js';
export { LOCAL_CONFIG, PROJECT_CONFIG, type ConfigPath, type Flags, type LayerName, type Origin } from './layers.js';
export {
  cacheFolder,
  ensureCacheFolder,
  ensureSocketFolder,
  ensureStateFolder,
  gitCommonDir,
  homeOf,
  resolveDirectories,
  socketFolder,
  userConfigPath,
  type Directories,
  type Environment,
} from './directories.js';
export { MANIFEST, parseManifest, readManifest, type Manifest } from './manifest.js';
export { configSchema, configShape, parseConfig } from './file.js';
export { editConfigText, editSetting, type EditedSetting, type EditOptions } from './edit.js';

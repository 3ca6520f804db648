/** The tree: which files are the project's own, which source this is, what changed. Runs no code of the project. */
export { blobId } from './blob.js';
export { changedFiles } from './changed.js';
export {
  askRepository,
  isInCommit,
  kindOfObject,
  nameCommit,
  rootCommit,
  sharedCommit,
  unsentCommit,
  type Patience,
} from './answers.js';
export { listAtCommit, mergeBase, readAtCommit, readBlobs, resolveCommit, upstreamBase } from './commits.js';
export { listFiles, readSource, type Source } from './files.js';
export { ignoreMatcher } from './ignore.js';
export { sourceIdentity } from './identity.js';
export type { ChangedFile, CommittedFile, ListOptions, SourceFile } from './types.js';
export { OUTPUT_NAMES, openWholeMemo, readWhole, type WholeMemo, type WholeProject } from './whole/index.js';

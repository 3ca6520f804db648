/** Files → found tests, links and symbols. No code of the project is executed. */
export { scan, type ScanOptions } from './scan.js';
export { ScanCache } from './cache.js';
export { openFactsCache, type Content, type FactsCache } from './facts.js';
export { languageOf } from './languages.js';
export type { Language, ProjectView } from './language.js';
export { placeOf, tagPosition, tagsIn, type Tag } from './tags.js';

/** The formats of other tools, one entry each: the compiler asks for one for every name in model/formats.ts. */
import type { ForeignFormatName } from '../../../model/index.js';
import type { CatalogFormat } from './format.js';
import { oft } from './oft/index.js';
import { openspec } from './openspec/index.js';

const FORMATS: Readonly<Record<ForeignFormatName, CatalogFormat>> = { oft, openspec };

export const foreignFormat = (name: ForeignFormatName): CatalogFormat => FORMATS[name];

export type { CatalogFormat, ForeignCatalog, ForeignFile } from './format.js';

import type { Spec } from '../model/index.js';
import { specRecord } from './record.js';
import { emitMap } from '../yaml/index.js';

/** The canonical text of a spec file: fixed key order, LF, a final newline; equal specs give equal bytes. */
export const formatSpec = (spec: Spec): string => `${emitMap(specRecord(spec), 0)}\n`;

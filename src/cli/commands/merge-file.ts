/** `merge-file BASE OURS THEIRS`, called by git: 0 merged, 1 conflict (markers are in the file). */
import { resolve } from 'node:path';
import { mergeFiles } from '../../app/index.js';
import type { CommandContext, Input } from '../table/types.js';
import { settle } from './context.js';
import { conflictText } from './sync-text.js';

export async function mergeFile(input: Input, context: CommandContext): Promise<number> {
  const [base = '', ours = '', theirs = ''] = input.args.map((path) => resolve(context.cwd, path));
  return settle(context, mergeFiles(base, ours, theirs), ({ code, merge }) => {
    if (merge.conflicts.length > 0)
      context.streams.err(conflictText(merge.conflicts, { ours: 'ours', theirs: 'theirs' }));
    if (!merge.byField) context.streams.err('A side is no valid spec file; its lines were set side by side.\n');
    return code;
  });
}

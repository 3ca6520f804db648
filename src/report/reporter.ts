import type { RunRecord } from '../model/index.js';

export interface RenderOptions {
  readonly color: boolean;
  readonly columns: number;
  readonly verbose: boolean;
}

/** A format of a run's record: a function from record to text. One file each, listed in `index.ts`. */
export interface Reporter {
  readonly name: string;
  render(record: RunRecord, options: RenderOptions): string;
}

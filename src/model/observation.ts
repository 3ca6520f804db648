/**
 * What a run rested on, as the observer saw it (docs/internals/observer.md). Level 2 of reuse: what was not seen is not reused.
 */

/**
 * How the run used a path.
 * `file`: opened for reading. `absent`: looked up and not there. `folder`: its names were listed. `program`: executed.
 * `link`: a symbolic link that was followed or read. `stat`: only its existence, type, size and times were asked for.
 */
export type ObservedKind = 'file' | 'absent' | 'folder' | 'program' | 'link' | 'stat';

export interface ObservedInput {
  /** Absolute, links in front of the last name already followed. Bytes that are no UTF-8 stand as U+DC80 to U+DCFF. */
  readonly path: string;
  readonly kind: ObservedKind;
  /**
   * What was there at first sight, as `stateOf` of src/observe tells it now: equal text, equal state.
   * Empty for `absent`; a link's target; size, mtime, ctime, inode and mode of a file; mode alone for a folder that was
   * only looked up; a digest of a listed folder's names (without those that the run itself made or removed).
   */
  readonly state: string;
  /** It differed at the run's end although nothing of the run wrote to it: somebody else did. */
  readonly changedDuringRun: boolean;
  /** The run itself made, changed, renamed or removed it. What it read after that is its own work and no input. */
  readonly written: boolean;
}

export interface Observation {
  readonly level: 'observed';
  readonly inputs: readonly ObservedInput[];
  /** Arguments of every program that was started, in order, the first being the program's own name as it was given. */
  readonly programs: readonly (readonly string[])[];
  /** One sentence for each thing that could not be seen. Not empty: no verdict of this run may be reused at level 2. */
  readonly lost: readonly string[];
}

/** `why`: one sentence, why there is no observation (no observer here, refused, canary not seen, helper ended). */
export type Observed =
  | { readonly ok: true; readonly observation: Observation }
  | { readonly ok: false; readonly why: string };

/** One line on a terminal that is rewritten as cases end; nothing where standard error is no terminal. */
import { unreachable } from '../../util/unreachable.js';
import type { EventSink } from '../../model/index.js';
import { verdictOf } from '../../model/index.js';
import { clip, visibleLine } from '../../util/text.js';

export interface Progress {
  readonly listen: EventSink;
  /** Clears the line. */
  end(): void;
}

/** @param notes where lines that should stay are printed (retries, stale warm directories) */
export function lineProgress(
  write: ((text: string) => void) | null,
  columns: number,
  notes: (text: string) => void,
  verbose: boolean,
): Progress {
  let total = 0;
  let done = 0;
  const counts = { PASS: 0, FAIL: 0, SKIP: 0, ERROR: 0 };
  let current = '';
  const draw = (): void => {
    if (write === null) return;
    const line = `[${done}/${total}] ${counts.PASS} pass, ${counts.FAIL} fail, ${counts.SKIP} skip, ${counts.ERROR} error  ${current}`;
    write(`\r\u001b[2K${clip(line, Math.max(20, columns - 1))}`);
  };
  const clear = (): void => write?.('\r\u001b[2K');
  const note = (text: string): void => {
    clear();
    notes(`${visibleLine(text)}\n`);
  };
  return {
    listen: (event) => {
      switch (event.type) {
        case 'run.planned':
          total = event.cases;
          break;
        case 'batch.start':
          current = visibleLine(
            `${event.batch.runner}${event.batch.directory === '' ? '' : ` in ${event.batch.directory}`} (${event.batch.cases.length})`,
          );
          break;
        case 'case.end':
          done += 1;
          counts[verdictOf(event.outcome.reason)] += 1;
          current = visibleLine(event.selector);
          break;
        case 'retry':
          note(`retry ${event.attempt}: ${event.why}`);
          break;
        case 'cargo.stale_member':
          note(
            `stale cargo artifact of ${event.package}${event.file === undefined ? '' : ` (${event.file} is newer)`}: built again before anything is judged`,
          );
          break;
        case 'layer':
          if (verbose || !event.hit)
            note(`${event.hit ? 'cached' : 'building'} layer ${event.layer} of ${event.environment}`);
          break;
        case 'warm_boot.start':
          current = 'warming cargo';
          break;
        case 'warm_boot.done':
          if (verbose) note(`warm boot: ${String(event.fields['status'])} (${String(event.fields['reason'])})`);
          break;
        case 'note':
          note(event.message);
          break;
        case 'output':
          if (verbose) note(`${event.stream === 'stderr' ? '! ' : '| '}${event.line}`);
          break;
        case 'batch.end':
          break;
        default:
          unreachable(event);
      }
      draw();
    },
    end: clear,
  };
}

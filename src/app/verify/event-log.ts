/** Named events of runs that no daemon carries out, in the log that the daemon writes: one place to look (cargo.md, 'Events'). */
import type { Project } from '../../config/index.js';
import { openLog, type Log } from '../../journal/index.js';
import type { EventSink } from '../../model/index.js';
import { logPath } from '../daemon/daemon-client.js';

/** Passes events on, and logs those that have a name. The log is opened by the first of them. */
export function logged(project: Project, run: string, emit: EventSink): EventSink {
  let log: Log | undefined;
  return (event) => {
    if (event.type === 'warm_boot.start' || event.type === 'warm_boot.done' || event.type === 'cargo.stale_member') {
      log ??= openLog(logPath(project.directories.state), '', 'info');
      const { type, ...fields } = event;
      log.info(type, { run_id: run, ...(event.type === 'warm_boot.done' ? event.fields : fields) });
    }
    emit(event);
  };
}

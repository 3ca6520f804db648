/** A log → what the run rested on. */
import { basename, dirname } from 'node:path/posix';
import type { Observation, ObservedInput, ObservedKind } from '../model/index.js';
import { orNull } from '../util/files.js';
import { USE, type LoggedPath, type ObserverLog } from './log.js';
import { bytesOf } from './path-text.js';
import { isLink, namesIn, namesText, stateText } from './state.js';

function kindOf(logged: LoggedPath): ObservedKind {
  if (logged.state.mode === 0) return 'absent';
  if (isLink(logged.state.mode)) return 'link';
  if ((logged.uses & USE.folder) !== 0) return 'folder';
  if ((logged.uses & USE.program) !== 0) return 'program';
  return (logged.uses & USE.file) !== 0 ? 'file' : 'stat';
}

const nameAsBytes = (path: string): string => Buffer.from(bytesOf(basename(path))).toString('latin1');

interface OwnNames {
  /** Made by the run and taken away again: its own scratch, and no input. */
  readonly temporary: Set<string>;
  /** Made or removed by the run. */
  readonly changed: Set<string>;
}

/** Names that the run itself made or removed, by folder. */
function ownNames(log: ObserverLog): ReadonlyMap<string, OwnNames> {
  const result = new Map<string, OwnNames>();
  for (const logged of log.paths.values()) {
    const temporary = logged.state.mode === 0 && logged.gone;
    if (!temporary && !logged.written) continue;
    const names = result.get(dirname(logged.path)) ?? { temporary: new Set<string>(), changed: new Set<string>() };
    (temporary ? names.temporary : names.changed).add(nameAsBytes(logged.path));
    result.set(dirname(logged.path), names);
  }
  return result;
}

/** What the run leaves in a folder after it listed it makes the folder `written`; any other difference is somebody else's. */
function folderInput(logged: LoggedPath, own: OwnNames | undefined): ObservedInput {
  const before = new Set((logged.names ?? []).filter((name) => own?.temporary.has(name) !== true));
  const now = new Set(orNull(() => namesIn(logged.path)));
  const differing = [...[...before].filter((name) => !now.has(name)), ...[...now].filter((name) => !before.has(name))];
  const foreign = differing.some((name) => own?.changed.has(name) !== true);
  return {
    path: logged.path,
    kind: 'folder',
    state: namesText([...before]),
    changedDuringRun: logged.changed || foreign,
    written: differing.length > 0 && !foreign,
  };
}

function inputOf(logged: LoggedPath, own: OwnNames | undefined): ObservedInput {
  const kind = kindOf(logged);
  if (kind === 'folder') return folderInput(logged, own);
  return {
    path: logged.path,
    kind,
    state: kind === 'link' ? logged.target : stateText(logged.state),
    changedDuringRun: logged.changed,
    written: logged.written,
  };
}

export function observationOf(log: ObserverLog): Observation {
  const own = ownNames(log);
  const inputs = [...log.paths.values()]
    .filter((logged) => logged.uses !== 0)
    .map((logged) => inputOf(logged, own.get(logged.path)))
    .sort((left, right) => (left.path < right.path ? -1 : 1));
  return { level: 'observed', inputs, programs: log.programs.map((program) => program.arguments), lost: log.lost };
}

/** `daemon reload`, as `config set --reload` needs it: asks the daemon and says in one text what came of it. */
import type { Project } from '../../config/index.js';
import { failure, success, type Result } from '../../model/index.js';
import { askDaemon } from './daemon-client.js';

const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

export async function reloadDaemon(project: Project): Promise<Result<string>> {
  const answer = await askDaemon(project.directories, 'reload', {});
  if (!answer.ok) return answer;
  const { generation, applied, requires_restart: restart, errors } = answer.value;
  if (errors.length > 0) return failure(...errors);
  const lines = Object.entries(applied).map(([key, change]) => `${key} ${shown(change.from)}→${shown(change.to)}`);
  return success(
    [
      `reloaded, generation ${generation}`,
      ...lines,
      ...(restart.length === 0 ? [] : [`needs a restart: ${restart.join(', ')}`]),
    ].join('\n'),
  );
}

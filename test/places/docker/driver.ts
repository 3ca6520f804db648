/** A program of its own that runs one check in Docker, so that a test can kill it, interrupt it or run it as another user. */
import { readFile } from 'node:fs/promises';
import { dockerPlace, type DockerOptions } from '../../../src/places/docker/index.js';

export interface DriverRequest {
  readonly options: Omit<DockerOptions, 'emit' | 'signal'>;
  readonly line: string;
  /** Print the report file of this name afterwards. */
  readonly report?: string;
}

const request = JSON.parse(process.argv[2] ?? '{}') as DriverRequest;
const abort = new AbortController();
process.on('SIGINT', () => abort.abort());
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const place = dockerPlace({
  ...request.options,
  signal: abort.signal,
  emit: (event) => (event.type === 'output' || event.type === 'note' ? say(event) : undefined),
});
try {
  const opened = await place.open({
    environment: 'base',
    batch: {
      id: 'b',
      runner: 'command',
      place: 'docker',
      environment: 'base',
      directory: '',
      cases: [],
      configuration: {},
    },
    signal: abort.signal,
  });
  if (!opened.ok) say({ type: 'refused', ...opened });
  else {
    const ran = await opened.workspace.exec(
      { command: ['sh', '-c', request.line], directory: '', env: {}, timeoutMs: null, label: 'driver' },
      abort.signal,
    );
    const report =
      request.report === undefined
        ? undefined
        : await readFile(`${opened.workspace.reports.host}/${request.report}`, 'utf8');
    await opened.workspace[Symbol.asyncDispose]();
    say({ type: 'ran', end: ran.end, trouble: ran.trouble, report });
  }
} finally {
  await place.close();
}
process.exit(abort.signal.aborted ? 130 : 0);

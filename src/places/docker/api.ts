/**
 * The daemon's API as far as it is used: one function an endpoint, answers narrowed to the fields that are read. Every
 * function throws DaemonTrouble and nothing else. Uploading archives (`PUT …/archive`) is not here, and must not be: what
 * enters a container enters as a mount, or it ends up in a layer.
 */
import type { Duplex } from 'node:stream';
import { DaemonTrouble, isStatus, type Answer, type Transport } from './transport.js';

export interface ImageInfo {
  readonly id: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly comment: string;
  readonly parent: string;
  /** `PATH=…` entries of the image. */
  readonly env: readonly string[];
  readonly volumes: readonly string[];
  readonly platform: string;
  /** File system layers. */
  readonly depth: number;
}

export interface ImageRow {
  readonly id: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerState {
  readonly running: boolean;
  readonly status: string;
  /** Null when the daemon gives none. */
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  readonly dead: boolean;
  /** By the daemon's clock, RFC 3339 with nanoseconds; '' when it gives none. A short life may end before its recorded start. */
  readonly createdAt: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

const field = (value: unknown, ...path: readonly string[]): unknown => {
  let at: unknown = value;
  for (const name of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined;
  return at;
};
const text = (value: unknown, ...path: readonly string[]): string => {
  const found = field(value, ...path);
  return typeof found === 'string' ? found : '';
};
const texts = (value: unknown, ...path: readonly string[]): string[] => {
  const found = field(value, ...path);
  return Array.isArray(found) ? found.filter((item): item is string => typeof item === 'string') : [];
};
const rows = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
function dictionary(value: unknown, ...path: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, item] of Object.entries(Object(field(value, ...path) ?? {}) as Record<string, unknown>))
    if (typeof item === 'string') result[name] = item;
  return result;
}
const known = (tags: readonly string[]): string[] => tags.filter((tag) => tag !== '<none>:<none>');
/** Docker's time stamps as it wants them back: seconds and nanoseconds. */
const seconds = (time: string): string =>
  `${Math.floor(Date.parse(time) / 1000)}.${(/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(9, '0')}`;
const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    throw new DaemonTrouble('the answer of the daemon is not JSON', 'answer', 0);
  }
};
const at = (reference: string): string => reference.split('/').map(encodeURIComponent).join('/');

export type Api = ReturnType<typeof dockerApi>;

export function dockerApi(transport: Transport) {
  const { call } = transport;
  const absentAsNull = async <T>(asked: Promise<T>): Promise<T | null> =>
    asked.catch((error: unknown) => {
      if (isStatus(error, 404)) return null;
      throw error;
    });
  return {
    close: (): void => transport.close(),

    version: async (timeoutMs: number): Promise<string> =>
      text(await call({ method: 'GET', path: '/version', timeoutMs }), 'Version'),
    daemonId: async (): Promise<string> => text(await call({ method: 'GET', path: '/info' }), 'ID'),

    inspectImage: async (reference: string): Promise<ImageInfo | null> => {
      const found = await absentAsNull(call({ method: 'GET', path: `/images/${at(reference)}/json` }));
      if (found === null) return null;
      return {
        id: text(found, 'Id'),
        tags: known(texts(found, 'RepoTags')),
        labels: dictionary(found, 'Config', 'Labels'),
        comment: text(found, 'Comment'),
        parent: text(found, 'Parent'),
        env: texts(found, 'Config', 'Env'),
        volumes: Object.keys(Object(field(found, 'Config', 'Volumes') ?? {}) as object),
        platform: [text(found, 'Os'), text(found, 'Architecture'), text(found, 'Variant')].join('/'),
        depth: texts(found, 'RootFS', 'Layers').length,
      };
    },
    listImages: async (filters: Readonly<Record<string, readonly string[]>>): Promise<ImageRow[]> =>
      rows(await call({ method: 'GET', path: '/images/json', query: { filters: JSON.stringify(filters) } })).map(
        (row) => ({
          id: text(row, 'Id'),
          tags: known(texts(row, 'RepoTags')),
          labels: dictionary(row, 'Labels'),
        }),
      ),
    /** False when the image is gone. */
    tag: async (id: string, repository: string, tag: string): Promise<boolean> =>
      (await absentAsNull(
        call({ method: 'POST', path: `/images/${at(id)}/tag`, query: { repo: repository, tag } }).then(() => true),
      )) ?? false,
    /**
     * Removes a name, and the image with its last name. Never forced, and parents without a name stay: the daemon would
     * otherwise take a person's unnamed base image along. False when it was not there or is still in use.
     */
    removeImage: async (reference: string): Promise<boolean> => {
      try {
        await call({ method: 'DELETE', path: `/images/${at(reference)}`, query: { force: false, noprune: true } });
        return true;
      } catch (error) {
        if (isStatus(error, 404) || isStatus(error, 409)) return false;
        throw error;
      }
    },
    pull: async (reference: string, timeoutMs: number): Promise<void> => {
      const answer = await transport.open({
        method: 'POST',
        path: '/images/create',
        query: { fromImage: reference },
        timeoutMs,
      });
      for (const line of (await answer.end).toString('utf8').split('\n')) {
        if (line.trim() === '') continue;
        const error = text(parsed(line), 'error');
        if (error !== '') throw new DaemonTrouble(error, 'answer', 0);
      }
    },
    /** The daemon needs minutes for a big layer: `timeoutMs` is this call's own. */
    commit: async (
      container: string,
      name: { readonly repository: string; readonly tag: string },
      labels: Readonly<Record<string, string>>,
      comment: string,
      timeoutMs: number,
    ): Promise<string> =>
      text(
        await call({
          method: 'POST',
          path: '/commit',
          query: { container, repo: name.repository, tag: name.tag, comment, pause: false },
          body: { Labels: labels },
          timeoutMs,
        }),
        'Id',
      ),

    createContainer: async (name: string, body: unknown): Promise<string> =>
      text(await call({ method: 'POST', path: '/containers/create', query: { name }, body }), 'Id'),
    startContainer: async (id: string): Promise<void> =>
      void (await call({ method: 'POST', path: `/containers/${id}/start` })),
    /** Registered with the daemon once this resolves, so that an exit cannot be missed; the end may take any time. */
    watchExit: async (id: string): Promise<Answer> =>
      transport.open({
        method: 'POST',
        path: `/containers/${id}/wait`,
        query: { condition: 'next-exit' },
        timeoutMs: null,
      }),
    attach: async (id: string, stdin: boolean): Promise<Duplex> =>
      transport.hijack({
        method: 'POST',
        path: `/containers/${id}/attach`,
        query: { stream: 1, stdout: 1, stderr: 1, ...(stdin ? { stdin: 1 } : {}) },
      }),
    logs: async (id: string, onData: (chunk: Buffer) => void): Promise<void> =>
      void (await (
        await transport.open(
          { method: 'GET', path: `/containers/${id}/logs`, query: { stdout: 1, stderr: 1 }, timeoutMs: 600_000 },
          onData,
        )
      ).end),
    inspectContainer: async (id: string): Promise<ContainerState | null> => {
      const found = await absentAsNull(call({ method: 'GET', path: `/containers/${id}/json` }));
      if (found === null) return null;
      const code = field(found, 'State', 'ExitCode');
      return {
        running: field(found, 'State', 'Running') === true,
        status: text(found, 'State', 'Status'),
        exitCode: typeof code === 'number' && Number.isInteger(code) ? code : null,
        outOfMemory: field(found, 'State', 'OOMKilled') === true,
        dead: field(found, 'State', 'Dead') === true,
        createdAt: text(found, 'Created'),
        startedAt: text(found, 'State', 'StartedAt'),
        finishedAt: text(found, 'State', 'FinishedAt'),
      };
    },
    /** What happened to a container between two moments of the daemon's clock: `kill` (a signal by anybody), `oom`. */
    eventsOf: async (id: string, names: readonly string[], since: string, until: string): Promise<string[]> => {
      const filters = JSON.stringify({ type: ['container'], container: [id], event: names });
      const answer = await transport.open({
        method: 'GET',
        path: '/events',
        query: { filters, since: seconds(since), until: seconds(until) },
      });
      const lines = (await answer.end)
        .toString('utf8')
        .split('\n')
        .filter((line) => line.trim() !== '');
      return lines.map((line) => text(parsed(line), 'Action'));
    },
    /** Ids of containers in which memory ran out between two moments of the daemon's clock, one for each time. */
    outOfMemorySince: async (since: string, until: string): Promise<string[]> => {
      const filters = JSON.stringify({ type: ['container'], event: ['oom'] });
      const answer = await transport.open({
        method: 'GET',
        path: '/events',
        query: { filters, since: seconds(since), until: seconds(until) },
      });
      const lines = (await answer.end).toString('utf8').split('\n');
      return lines.flatMap((line) => (line.trim() === '' ? [] : [text(parsed(line), 'Actor', 'ID')]));
    },
    /** Ends the whole PID name space. Not running any more is as good. */
    killContainer: async (id: string): Promise<void> => {
      await call({ method: 'POST', path: `/containers/${id}/kill`, query: { signal: 'SIGKILL' } }).catch(
        (error: unknown) => {
          if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
        },
      );
    },
    removeContainer: async (id: string): Promise<void> =>
      void (await call({ method: 'DELETE', path: `/containers/${id}`, query: { force: true, v: true } })),
    listContainers: async (
      label: string,
    ): Promise<{ readonly id: string; readonly labels: Readonly<Record<string, string>> }[]> =>
      rows(
        await call({
          method: 'GET',
          path: '/containers/json',
          query: { all: true, filters: JSON.stringify({ label: [label] }) },
        }),
      ).map((row) => ({
        id: text(row, 'Id'),
        labels: dictionary(row, 'Labels'),
      })),
    /** What is at a path inside a container, seen by the daemon without running anything; null when nothing is. */
    statInside: async (
      id: string,
      path: string,
    ): Promise<{ readonly mode: number; readonly target: string } | null> => {
      const answer = await absentAsNull(
        transport.open({ method: 'HEAD', path: `/containers/${id}/archive`, query: { path } }),
      );
      await answer?.end.catch(() => undefined);
      const header = answer?.headers['x-docker-container-path-stat'];
      if (typeof header !== 'string') return null;
      const stat = parsed(Buffer.from(header, 'base64').toString('utf8'));
      return { mode: Number(field(stat, 'mode') ?? 0), target: text(stat, 'linkTarget') };
    },
    readInside: async (id: string, path: string): Promise<Buffer | null> => {
      const answer = await absentAsNull(
        transport.open({ method: 'GET', path: `/containers/${id}/archive`, query: { path } }),
      );
      return answer === null ? null : answer.end;
    },

    createExec: async (container: string, body: unknown): Promise<string> =>
      text(await call({ method: 'POST', path: `/containers/${container}/exec`, body }), 'Id'),
    startExec: async (id: string): Promise<Duplex> =>
      transport.hijack({ method: 'POST', path: `/exec/${id}/start`, body: { Detach: false, Tty: false } }),
    inspectExec: async (id: string): Promise<{ readonly running: boolean; readonly exitCode: number | null }> => {
      const found = await call({ method: 'GET', path: `/exec/${id}/json` });
      const code = field(found, 'ExitCode');
      return {
        running: field(found, 'Running') === true,
        exitCode: typeof code === 'number' && Number.isInteger(code) ? code : null,
      };
    },
  };
}

/** Parses the body of `watchExit`: the exit code, or what the daemon says instead of one. */
export function exitOf(body: Buffer): { readonly code: number } | { readonly error: string } {
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch {
    return { error: 'the daemon gave no exit code' };
  }
  const error = text(answer, 'Error', 'Message');
  const code = field(answer, 'StatusCode');
  if (error !== '') return { error };
  return typeof code === 'number' && Number.isInteger(code) ? { code } : { error: 'the daemon gave no exit code' };
}

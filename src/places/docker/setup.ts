/**
 * Building one layer: an idle container of the parent, the set-up command in it, quiesce, commit. The workspace's place is an
 * empty mount in every container that is committed, so nothing below it can get into a layer; a command that writes there
 * is told so. Variables are given to the command, not to the container: a commit would bake them in.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { clip } from '../../util/text.js';
import { maskText } from '../../run/environment.js';
import type { Api } from './api.js';
import { readOutput, containerLabels } from './container.js';
import { removeTree } from './copy.js';
import type { Environment, SetupStep } from './environment.js';
import { copyInputs, type Inputs } from './inputs.js';
import { LABEL, SCHEMA, layerComment, type Reference } from './names.js';
import type { Owner } from './owner.js';
import type { Frozen } from './source.js';
import { destroyContainer, pause, settleSoon } from './teardown.js';
import { messageOf } from './transport.js';

export interface SetupRequest {
  readonly api: Api;
  readonly owner: Owner;
  readonly environment: Environment;
  readonly step: SetupStep;
  readonly key: string;
  /** Image id. */
  readonly parent: string;
  readonly frozen: Frozen;
  readonly inputs: Inputs;
  /** A folder for this build alone; does not exist yet. */
  readonly folder: string;
  readonly container: string;
  readonly name: Reference;
  readonly secrets: readonly string[];
  readonly commitTimeoutMs: number;
  readonly signal: AbortSignal;
}

export type SetupResult =
  | { readonly ok: true; readonly image: string }
  | {
      readonly ok: false;
      readonly reason: 'infra' | 'setup' | 'canceled';
      readonly message: string;
      readonly exitCode: number | null;
    };

const GRACE_MS = 8000;
const TAIL = 8000;

const fail = (
  reason: 'infra' | 'setup' | 'canceled',
  message: string,
  exitCode: number | null = null,
): SetupResult => ({
  ok: false,
  reason,
  message,
  exitCode,
});

/** Blocks on its own input, which nobody ever writes: no program but the shell is needed in the image. */
const idle = (shell: readonly string[]): readonly string[] => [...shell, 'read _'];

const idleBody = (request: SetupRequest, workspace: string, inputs: string): unknown => ({
  Image: request.parent,
  Entrypoint: idle(request.environment.shell),
  Cmd: [],
  User: request.environment.user,
  WorkingDir: request.environment.workdir,
  Env: [],
  Labels: containerLabels(request.owner, 'setup'),
  OpenStdin: true,
  StdinOnce: false,
  Tty: false,
  Healthcheck: { Test: ['NONE'] },
  HostConfig: {
    Mounts: [
      { Type: 'bind', Source: workspace, Target: request.environment.workdir, ReadOnly: false },
      { Type: 'bind', Source: inputs, Target: '/inputs', ReadOnly: true },
    ],
    NetworkMode: request.step.network,
    AutoRemove: false,
    Privileged: false,
    SecurityOpt: ['no-new-privileges'],
  },
});

interface CommandEnd {
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly output: string;
  readonly broken: string | null;
}

/** The command has ended when its process has, whoever still holds its output open. */
async function execute(request: SetupRequest, container: string, stop: AbortSignal): Promise<CommandEnd> {
  const { api, environment, step } = request;
  const id = await api.createExec(container, {
    Cmd: [...environment.shell, step.run],
    User: environment.user,
    WorkingDir: environment.workdir,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Env: Object.entries({ ...environment.env, ...step.env, ...environment.secrets }).map(
      ([name, value]) => `${name}=${value}`,
    ),
  });
  const socket = await api.startExec(id);
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  let output = '';
  const stream = readOutput(socket, (name, bytes) => {
    output += decoders[name].write(bytes);
    if (output.length > 8 * TAIL) output = output.slice(-4 * TAIL);
  });
  let broken: string | null | undefined;
  void stream.end.then((end) => {
    broken = end;
  });
  try {
    let silent = 0;
    for (let wait = 5; ; wait = Math.min(wait * 1.5, 200)) {
      const ended = broken !== undefined;
      const state = await api.inspectExec(id);
      if (!state.running && state.exitCode !== null) {
        await Promise.race([stream.end, pause(1000)]);
        return { code: state.exitCode, timedOut: false, output, broken: broken ?? null };
      }
      if (stop.aborted) return { code: null, timedOut: false, output, broken: null };
      // An output that ended while the command goes on may be the command's own doing; one that broke is not.
      // Never started, because the connection broke before: nothing will come of it.
      silent = ended && !state.running ? silent + 1 : 0;
      if (silent > 10)
        return { code: null, timedOut: false, output, broken: 'the exit code of the command is not known' };
      if (ended && typeof broken === 'string') return { code: null, timedOut: false, output, broken };
      await Promise.race([pause(wait), ...(ended ? [] : [stream.end])]);
    }
  } finally {
    socket.destroy();
  }
}

/** What a command left in the workspace's place. An unreadable place was written to. */
const written = async (workspace: string): Promise<readonly string[]> =>
  readdir(workspace).catch(() => ['(unreadable)']);

/** Resolves after the container and its folders are gone; never rejects. Only exit 0 is ever committed. */
export async function buildLayer(request: SetupRequest): Promise<SetupResult> {
  const { api, environment, step, signal } = request;
  if (signal.aborted) return fail('canceled', 'canceled before set-up started');
  const workspace = join(request.folder, 'workspace');
  const inputs = join(request.folder, 'inputs');
  const title = `set-up "${step.id}" of environment "${environment.name}"`;
  const words = (text: string): string => clip(maskText(text.slice(-TAIL), request.secrets).trim(), TAIL);
  const stop = new AbortController();
  let timedOut = false;
  const onAbort = (): void => stop.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    await mkdir(request.folder, { mode: 0o711 });
    await mkdir(workspace);
    const copied = await copyInputs(request.frozen, request.inputs, inputs, signal);
    if (!copied.ok) return fail(signal.aborted ? 'canceled' : 'infra', copied.message);
    const id = await settleSoon(
      api.createContainer(request.container, idleBody(request, workspace, inputs)),
      stop.signal,
      GRACE_MS,
    );
    if (id === null || stop.signal.aborted) return fail('canceled', `${title} was canceled`);
    await api.startContainer(id);
    timer = setTimeout(() => {
      timedOut = true;
      stop.abort();
    }, step.timeoutMs);
    const end = await execute(request, id, stop.signal);
    clearTimeout(timer);
    if (timedOut) return fail('setup', `${title} did not end within ${step.timeoutMs} ms\n${words(end.output)}`.trim());
    if (signal.aborted) return fail('canceled', `${title} was canceled`);
    if (end.broken !== null) return fail('infra', `${title}: ${end.broken}`);
    if (end.code !== 0)
      return fail('setup', `${title} exited with ${String(end.code)}\n${words(end.output)}`.trim(), end.code);

    // Quiesce: what the command left in the background must not write while the layer is taken.
    const watch = await api.watchExit(id);
    await api.killContainer(id);
    await Promise.race([watch.end, pause(GRACE_MS)]).catch(() => undefined);
    const state = await api.inspectContainer(id);
    if (state === null || state.running)
      return fail('infra', `${title}: the container could not be stopped before the commit`);
    const strays = await written(workspace);
    if (strays.length > 0)
      return fail(
        'setup',
        `${title} wrote into the workspace (${strays.slice(0, 5).join(', ')}): layers hold system state only, and every check gets a fresh workspace. Write to a system path such as /opt and use \`link\`.`,
      );
    if (signal.aborted) return fail('canceled', `${title} was canceled`);
    const labels = {
      [LABEL.kind]: 'layer',
      [LABEL.key]: request.key,
      [LABEL.schema]: SCHEMA,
      [LABEL.parent]: request.parent,
      [LABEL.owner]: request.owner.user,
      [LABEL.name]: `${environment.name}/${step.id}`,
    };
    const committing = api.commit(id, request.name, labels, layerComment(request.key), request.commitTimeoutMs);
    const image = await settleSoon(committing, stop.signal, GRACE_MS);
    return image === null || stop.signal.aborted ? fail('canceled', `${title} was canceled`) : { ok: true, image };
  } catch (error) {
    return fail(signal.aborted ? 'canceled' : 'infra', `${title}: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    await destroyContainer(api, request.container);
    await removeTree(request.folder);
  }
}

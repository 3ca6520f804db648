/** Docker environments as declared in config.yaml (docs/configuration.md); defaults are filled in by run/docker. */
import { shapes, type Shape } from '../catalog/index.js';
import type { DeclaredEnvironment, DeclaredSetup } from '../model/index.js';
import { parseDuration } from '../util/duration.js';
import { unsafePathReason } from '../util/files.js';

export type DockerEnvironment = DeclaredEnvironment;
export type DockerSetup = DeclaredSetup;
export type DockerSource = NonNullable<DeclaredEnvironment['source']>;
export type DockerLimits = NonNullable<DeclaredEnvironment['limits']>;

const { choice, integer, list, map, record, text } = shapes;

export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NAME_SAYS = 'a name of letters, digits, ".", "_" and "-", at most 64 long';

/** A path or pattern below the project. */
export const projectPath = (doc: string): Shape<string> =>
  text(1024, { doc, check: unsafePathReason, refusal: 'unsafe-path', says: 'a path below the project' });

export const duration = (doc: string): Shape<string> =>
  text(32, {
    doc,
    digits: true,
    check: (value) => (parseDuration(value) === null ? 'it is not a duration' : null),
    says: 'a duration such as 500ms, 30s, 5m or 1h, at most 24 days',
  });

const containerPath = (doc: string): Shape<string> =>
  text(1024, {
    doc,
    pattern: /^\//,
    says: 'an absolute path in the container',
    check: (value) => (value.split('/').includes('..') ? 'it has a ".." segment' : null),
  });

const variables = (doc: string): Shape<Readonly<Record<string, string>>> =>
  map(text(32_768, { empty: true, digits: true }), 200, VARIABLE, 'a variable name', doc);
const names = (doc: string): Shape<readonly string[]> =>
  list(text(128, { pattern: VARIABLE, says: 'a variable name' }), 200, doc);
const network = text(128, {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  says: 'none, bridge or the name of a network',
  doc: 'Network: none, bridge or the name of a Docker network.',
});

const setup = record<DockerSetup>(
  {
    id: text(64, { pattern: NAME, says: NAME_SAYS, doc: 'Name of the layer in reports.' }),
    run: text(16_384, { doc: "The command, run by the environment's shell." }),
    network,
    timeout: duration('How long the command may take.'),
    inputs: list(
      projectPath('A path or pattern below the project.'),
      200,
      "Files mounted read-only at /inputs; their content is in the layer's key.",
    ),
    env: variables('Variables for this command.'),
  },
  { required: ['id', 'run'], doc: 'One snapshot layer: system state only.' },
);

const environment = record<DockerEnvironment>(
  {
    image: text(512, {
      pattern: /^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/,
      says: 'a Docker image reference',
      doc: 'Base image; resolved to an image id when planning.',
    }),
    pull: choice(['never', 'missing', 'always'], 'When to pull the image (default: missing).'),
    user: text(128, {
      digits: true,
      pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/,
      says: 'a user or user:group',
      doc: 'User of checks and set-up.',
    }),
    workdir: containerPath('Where the workspace is mounted (default: /workspace).'),
    shell: list(text(256), 16, 'Program and arguments before a command (default: [sh, -ec]).'),
    env: variables('Variables of checks and set-up; in the key, never in an image.'),
    pass_env: names('Variables of the caller that are let through; their values are in the key.'),
    secrets: names('Variables of the caller that are let through and masked; not in the key.'),
    setup: list(setup, 100, 'Set-up commands, each one snapshot layer.'),
    source: record<DockerSource>(
      {
        include: list(
          projectPath('A path or pattern below the project.'),
          200,
          'What of the source enters the workspace (default: all).',
        ),
        exclude: list(projectPath('A path or pattern below the project.'), 200, 'What of it stays out.'),
      },
      { doc: 'Which part of the source a check sees.' },
    ),
    link: map(
      containerPath('Absolute path in the container.'),
      50,
      /^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^\0]+$/,
      'a path below the workspace',
      'Symlinks made in each workspace.',
    ),
    limits: record<DockerLimits>(
      {
        cpus: { kind: 'number', integer: false, min: 0.01, max: 1024, doc: 'Processor cores.' },
        memory: text(32, {
          digits: true,
          pattern: /^[1-9][0-9]*[bkmg]?$/i,
          says: 'a size such as 512m or 2g',
          doc: 'Memory.',
        }),
        pids: integer(1, 4_194_304, 'Processes and threads.'),
        network,
      },
      { doc: 'Limits of each check.' },
    ),
  },
  { required: ['image'] },
);

export const environmentsShape: Shape<Readonly<Record<string, DockerEnvironment>>> = map(
  environment,
  100,
  NAME,
  NAME_SAYS,
  'Docker environments by name.',
);

/** What the shape cannot say: set-up ids are unique and the shell is not empty. */
export function environmentTroubles(
  environments: Readonly<Record<string, DockerEnvironment>>,
): { readonly path: readonly (string | number)[]; readonly message: string; readonly hint: string }[] {
  const troubles: { path: readonly (string | number)[]; message: string; hint: string }[] = [];
  for (const [name, value] of Object.entries(environments)) {
    if (value.shell?.length === 0)
      troubles.push({
        path: [name, 'shell'],
        message: `docker.environments.${name}.shell is empty.`,
        hint: 'Write the shell and its arguments, for example [sh, -ec].',
      });
    const seen = new Set<string>();
    (value.setup ?? []).forEach((step, index) => {
      if (seen.has(step.id))
        troubles.push({
          path: [name, 'setup', index, 'id'],
          message: `docker.environments.${name}.setup has the id "${step.id}" twice.`,
          hint: 'Give each set-up command an id of its own.',
        });
      seen.add(step.id);
    });
  }
  return troubles;
}

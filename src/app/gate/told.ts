/**
 * What push is it that the gate was told of? git writes lines on a hook's standard input. The pre-commit framework reads them
 * itself and tells its hooks by variables. Whoever tells nothing gets no "good": a hook framework that was set up without handing
 * the lines on would let everything through.
 */
import { failure, success, type Result } from '../../model/index.js';
import { nameCommit, unsentCommit, type Patience } from '../../sources/index.js';

type Env = Readonly<Record<string, string | undefined>>;

const ZERO = '0'.repeat(40);

export interface Told {
  readonly input: string;
  readonly remote?: string;
}

/**
 * git's lines, whoever told them. `could-not-verify` where nobody did and HEAD has commits that the remote lacks.
 * @param remote as git names it for a hook; its presence says that a hook of git's called
 */
export async function toldPushes(
  root: string,
  text: string,
  remote: string | undefined,
  env: Env,
  patience: Patience,
): Promise<Result<Told>> {
  if (text.trim() !== '') return success({ input: text, ...(remote === undefined ? {} : { remote }) });
  const name = remote ?? nonEmpty(env['PRE_COMMIT_REMOTE_NAME']);
  const line = await preCommitLine(root, env, patience);
  if (!line.ok) return line;
  if (line.value !== null) return success({ input: line.value, ...(name === undefined ? {} : { remote: name }) });
  if (remote !== undefined) {
    // git calls the hook without a line when everything is up to date.
    const unsent = await unsentCommit(root, remote, patience);
    if (!unsent.ok) return unsent;
    if (unsent.value === null) return success({ input: '', remote });
  }
  return failure({
    kind: 'could-not-verify',
    message: 'The gate was told of no push: standard input holds no line of git.',
    hint: "Hand git's lines on: `use_stdin: true` in lefthook; `coherence hook install` says what each framework needs.",
  });
}

const nonEmpty = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

/** The line that pre-commit read, made again of its variables; null where it set none. A whole history has no FROM_REF. */
async function preCommitLine(root: string, env: Env, patience: Patience): Promise<Result<string | null>> {
  const local = nonEmpty(env['PRE_COMMIT_LOCAL_BRANCH']) ?? 'HEAD';
  const to = nonEmpty(env['PRE_COMMIT_TO_REF']) ?? nonEmpty(env['PRE_COMMIT_LOCAL_BRANCH']);
  if (to === undefined) return success(null);
  const from = nonEmpty(env['PRE_COMMIT_FROM_REF']);
  const [tip, base] = [
    await commitOf(root, to, patience),
    from === undefined ? null : await commitOf(root, from, patience),
  ];
  if (!tip.ok) return tip;
  if (base !== null && !base.ok) return base;
  return success(
    `${local} ${tip.value} ${nonEmpty(env['PRE_COMMIT_REMOTE_BRANCH']) ?? local} ${base?.value ?? ZERO}\n`,
  );
}

async function commitOf(root: string, ref: string, patience: Patience): Promise<Result<string>> {
  const commit = await nameCommit(root, ref, patience);
  if (!commit.ok) return commit;
  if (commit.value !== null) return success(commit.value);
  return failure({ kind: 'could-not-verify', message: `pre-commit names ${ref}, which is no commit here.` });
}

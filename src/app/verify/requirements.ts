/** What links require and what of it is missing here (contract: SKIP(unavailable:… as written)). */
import type { TracedCriterion } from '../../model/index.js';
import { findProgram } from '../../util/process.js';

export interface RequirementContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asked only when some link needs Docker. */
  readonly docker: () => Promise<{ readonly available: boolean; readonly detail: string }>;
  readonly dolt: () => Promise<{ readonly available: boolean; readonly detail: string }>;
  /** Whether this build and system can run a private daemon. */
  readonly orchestrator: () => Promise<{ readonly available: boolean; readonly detail: string }>;
}

/** Requirement as written → why it is not met. Met ones are absent. */
export async function unmetRequirements(
  criteria: readonly TracedCriterion[],
  everythingInDocker: boolean,
  context: RequirementContext,
): Promise<ReadonlyMap<string, string>> {
  const wanted = new Set<string>();
  for (const { links } of criteria)
    for (const link of links) {
      for (const requirement of link.declared.requires ?? []) wanted.add(requirement);
      if (link.kind !== 'manual' && (everythingInDocker || link.declared.in === 'docker')) wanted.add('docker');
    }
  const unmet = new Map<string, string>();
  for (const requirement of [...wanted].sort()) {
    const why = await missing(requirement, context);
    if (why !== null) unmet.set(requirement, why);
  }
  return unmet;
}

async function missing(requirement: string, context: RequirementContext): Promise<string | null> {
  if (requirement === 'docker' || requirement === 'dolt' || requirement === 'orchestrator') {
    const answer = await context[requirement]();
    return answer.available ? null : answer.detail;
  }
  if (requirement === 'cargo') return missing('bin:cargo', context);
  if (requirement.startsWith('env:')) {
    const name = requirement.slice(4);
    return (context.env[name] ?? '') === '' ? `the environment variable ${name} is not set` : null;
  }
  if (requirement.startsWith('bin:')) {
    const name = requirement.slice(4);
    return (await findProgram(name, context.env['PATH'])) === null ? `no program ${name} on PATH` : null;
  }
  return `nothing here knows the requirement "${requirement}"`;
}

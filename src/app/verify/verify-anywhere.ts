/** `verify`: through the daemon when one runs for this state folder, else the same use case here. */
import type { Project } from '../../config/index.js';
import type { Result } from '../../model/index.js';
import { ulid } from '../../util/ulid.js';
import { logged } from './event-log.js';
import { verifyProject, type Verification } from './verify.js';
import { verifyThroughDaemon } from '../daemon/verify-daemon.js';
import type { VerifyContext, VerifyRequest } from './verify-request.js';

export async function verify(
  project: Project,
  request: VerifyRequest,
  context: VerifyContext,
): Promise<Result<Verification>> {
  const through = await verifyThroughDaemon(project, request, context);
  if (through !== null) return through;
  const run = request.run ?? ulid();
  return verifyProject(project, { ...request, run }, { ...context, emit: logged(project, run, context.emit) });
}

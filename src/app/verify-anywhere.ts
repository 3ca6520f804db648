/** `verify`: through the daemon when one runs for this state folder, else the same use case here. */
import type { Project } from '../config/index.js';
import type { Result } from '../model/index.js';
import { verifyProject, type Verification } from './verify.js';
import { verifyThroughDaemon } from './verify-daemon.js';
import type { VerifyContext, VerifyRequest } from './verify-request.js';

export async function verify(project: Project, request: VerifyRequest, context: VerifyContext): Promise<Result<Verification>> {
  return (await verifyThroughDaemon(project, request, context)) ?? verifyProject(project, request, context);
}

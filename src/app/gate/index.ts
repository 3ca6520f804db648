export { judgeGate, type GateRequest } from './gate.js';
export type { PushVerdict } from './push-verdict.js';
export { blockedText } from './text.js';

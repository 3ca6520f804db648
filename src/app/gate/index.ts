export { judgeGate, type GateRequest, type PushVerdict } from './gate.js';
export { blockedText } from './text.js';

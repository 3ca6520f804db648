/** The places where checks run. Docker's is in ../docker, loaded when a check needs it. */
export { hostPlace, type HostOptions } from './host.js';

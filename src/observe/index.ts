/** What a run rested on, seen by the observer (native/observer.c, docs/internals/observer.md). */
export { observe, observerStatus, type Availability, type Conclusion, type ObservedCommand } from './observe.js';
export { bytesOf } from './path-text.js';
export { stateOf } from './state.js';

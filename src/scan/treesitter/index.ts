export { go } from './go.js';
export { java } from './java.js';
export { python } from './python.js';
export { rust } from './rust.js';
export { shell } from './shell.js';

/** `hook install|uninstall`: the pre-push gate where git looks for it, for one project or several of a repository. */
export { installHook, uninstallHook, type Hook } from './install.js';

/** What the start hands to a bundle: a script that is compiled with a code cache has no `import()` of its own (Node 20 warns, or throws). */
declare const __importModule: ((url: string) => Promise<unknown>) | undefined;

/** Imports a module that is known only at run time, such as the project's own vitest. Rejects as `import()` does. */
export const importModule = async (url: string): Promise<unknown> =>
  typeof __importModule === 'undefined' ? import(url) : __importModule(url);

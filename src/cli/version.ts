/** Set by the build from package.json; from source it says so. */
declare const COHERENCE_VERSION: string | undefined;
export const VERSION: string = typeof COHERENCE_VERSION === 'string' ? COHERENCE_VERSION : '0.0.0-source';

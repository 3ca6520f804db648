/**
 * Soundness of the verdict cache and of `--changed`, by mutation of a small pytest project.
 * CI runs this list once; `npm run mutations -- --count 500 --seed N` composes random ones on the same projects.
 */
import { describeMutations } from '../rig/cache-suite.js';

// @verifies AC-gate-cache-sound, AC-gate-cache-hits, AC-gate-changed-sound, AC-reuse-selects-all
describeMutations('pytest');

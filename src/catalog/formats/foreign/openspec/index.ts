/** OpenSpec: a capability a Markdown file (`specs/<capability>/spec.md`), and the deltas of its open changes. */
import type { CatalogFormat } from '../format.js';

export const openspec: CatalogFormat = {
  name: 'openspec',
  title: 'OpenSpec',
  takes: (file) => /\.md$/i.test(file),
  read: async (files) => (await import('./read.js')).readOpenSpec(files),
  write: async (catalog) => (await import('./write.js')).writeOpenSpec(catalog),
};

/** OpenFastTrace: Markdown and reStructuredText documents with `type~name~revision` items. */
import type { CatalogFormat } from '../format.js';

export const oft: CatalogFormat = {
  name: 'oft',
  title: 'OpenFastTrace',
  takes: (file) => /\.(?:md|markdown|rst)$/i.test(file),
  read: async (files) => (await import('./read.js')).readOft(files),
  write: async (catalog) => (await import('./write.js')).writeOft(catalog),
};

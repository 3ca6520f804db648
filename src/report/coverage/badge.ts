/** A flat SVG badge: percent passed, with the colour of the worst thing known. */
import { xml } from '../xml.js';
import type { CoverageFormat } from './view.js';

const width = (text: string): number => Math.round(text.length * 6.6) + 10;

export const badge: CoverageFormat = {
  name: 'badge',
  render(view) {
    const label = 'verified';
    const value = `${view.total.passed}/${view.total.specified} (${view.total.percent.passed.toFixed(1)}%)`;
    const color =
      view.total.failed + view.total.error > 0
        ? '#c0392b'
        : view.total.percent.passed >= 90
          ? '#2e7d32'
          : view.total.percent.passed >= 60
            ? '#8d6e00'
            : '#616161';
    const left = width(label);
    const right = width(value);
    const title = xml(`${label}: ${value}`);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${title}"><title>${title}</title><rect width="${left}" height="20" fill="#444"/><rect x="${left}" width="${right}" height="20" fill="${color}"/><g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="${left / 2}" y="14">${label}</text><text x="${left + right / 2}" y="14">${xml(value)}</text></g></svg>\n`;
  },
};

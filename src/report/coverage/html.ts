/** One self-contained page: no request, works from `file://`, by keyboard and screen reader, in dark and light. */
import { COVERAGE_KEYS } from '../../model/index.js';
import { xml } from '../xml.js';
import { PAGE_SCRIPT } from './page-script.js';
import { PAGE_STYLE } from './page-style.js';
import type { CountsView, CoverageFormat, CoverageView } from './view.js';

/** Criteria in one piece of embedded data: each is parsed in a few milliseconds. */
const PIECE = 500;

/** JSON inside a script element: `<` would end the element or open a comment, the two separators end a line in old parsers. */
const embedded = (value: unknown): string =>
  JSON.stringify(value).replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

const share = (counts: CountsView, key: (typeof COVERAGE_KEYS)[number]): string =>
  `${counts[key]} <span class="dim">${counts.percent[key].toFixed(1)}%</span>`;

function table(caption: string, groups: Readonly<Record<string, CountsView>>): string {
  const entries = Object.entries(groups).filter(([name]) => name !== '');
  if (entries.length === 0) return '';
  const rows = entries
    .map(
      ([name, counts]) =>
        `<tr><td>${xml(name)}</td><td>${counts.specified}</td><td>${share(counts, 'traced')}</td><td>${share(counts, 'executed')}</td><td>${share(counts, 'passed')}</td></tr>`,
    )
    .join('');
  return `<details><summary><h2 style="display:inline">${xml(caption)}</h2></summary><div class="scroll" tabindex="0" role="region" aria-label="${xml(caption)}"><table><thead><tr><th scope="col">${xml(caption.replace(/^By /, ''))}</th>${COVERAGE_KEYS.map((key) => `<th scope="col">${key}</th>`).join('')}</tr></thead><tbody>${rows}</tbody></table></div></details>`;
}

function trend(view: CoverageView): string {
  const points = view.trend.slice(-60);
  if (points.length < 2) return '';
  const most = Math.max(1, ...points.map((point) => point.pass + point.fail + point.skip + point.error));
  const x = (i: number): number => Math.round((i / (points.length - 1)) * 600);
  const y = (value: number): number => 80 - Math.round((value / most) * 76);
  const line = points.map((point, i) => `${x(i)},${y(point.pass)}`).join(' ');
  const total = points.map((point, i) => `${x(i)},${y(point.pass + point.fail + point.skip + point.error)}`).join(' ');
  const last = points.at(-1);
  return `<h2>Trend</h2><svg viewBox="0 0 600 84" width="100%" height="84" preserveAspectRatio="none" role="img" aria-label="Passed criteria over the last ${points.length} runs; last ${last?.pass ?? 0} of ${most}"><polyline points="${total}" fill="none" stroke="currentColor" stroke-opacity=".35"/><polyline points="${line}" fill="none" stroke="var(--pass)" stroke-width="2"/></svg>`;
}

const options = (values: readonly string[]): string =>
  values.map((value) => `<option value="${xml(value)}">${xml(value)}</option>`).join('');

export const html: CoverageFormat = {
  name: 'html',
  render(view) {
    const pieces: string[] = [];
    for (let i = 0; i < view.criteria.length; i += PIECE)
      pieces.push(
        `<script type="application/json" data-criteria>${embedded(view.criteria.slice(i, i + PIECE))}</script>`,
      );
    const skips = Object.entries(view.total.skips)
      .map(([reason, count]) => `${count} ${xml(reason)}`)
      .join(', ');
    const about =
      view.source === null
        ? `as of ${xml(view.at ?? '')}`
        : `source ${xml(view.source.commit?.slice(0, 12) ?? 'without a commit')}${view.source.dirty ? ' with uncommitted changes' : ''}`;
    const numbers = COVERAGE_KEYS.map(
      (key) =>
        `<li><span class="dim">${key}</span><b>${view.total[key]}</b>${view.total.percent[key].toFixed(1)}%<div class="bar" aria-hidden="true"><i style="width:${view.total.percent[key]}%"></i></div></li>`,
    ).join('');
    const delta =
      view.delta === null
        ? ''
        : `<p>Since ${xml(view.delta.against)}: ${COVERAGE_KEYS.map((key) => `${key} ${(view.delta?.counts[key] ?? 0) > 0 ? '+' : ''}${view.delta?.counts[key] ?? 0}`).join(', ')}</p>`;
    const audit =
      view.audit === null
        ? ''
        : `<p class="dim">Verdict cache: ${view.audit.stale} stale of ${view.audit.audited} hits that were run again.</p>`;
    const weak =
      view.total.exit_code === 0
        ? ''
        : `<p class="dim">Of those that passed, ${view.total.exit_code} by exit code alone.</p>`;
    const next =
      view.next.length === 0
        ? ''
        : `<h2>Next</h2><ul>${view.next
            .map(
              (step) =>
                `<li><b>${xml(step.criterion)}</b> (${xml(step.risk)}): ${xml(step.why)}${
                  step.candidates.length === 0
                    ? ''
                    : `<br><span class="dim">perhaps ${step.candidates
                        .slice(0, 2)
                        .map((item) => xml(`${item.selector} ${item.file}:${item.line}`))
                        .join('; ')}</span>`
                }</li>`,
            )
            .join('')}</ul>`;
    return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,"><title>Coverage of ${xml(view.project)}</title><style>${PAGE_STYLE}</style></head><body>
<header><h1>Coverage of ${xml(view.project)}</h1><p class="dim">${about}</p></header>
<main>
<ul class="numbers" aria-label="The four numbers">${numbers}</ul>
<p>${skips === '' ? 'No SKIP' : `SKIP: ${skips}`}${view.total.failed + view.total.error > 0 ? `; <span class="FAIL">${view.total.failed} FAIL</span>, <span class="ERROR">${view.total.error} ERROR</span>` : ''}${view.retired > 0 ? `; ${view.retired} retired, in no number` : ''}</p>
${weak}${delta}${audit}${trend(view)}${next}
${table('By level', view.levels)}${table('By spec', view.specs)}${table('By risk', view.risks)}${table('By owner', view.owners)}
<h2 id="criteria-title">Criteria</h2>
<div class="controls" role="search">
<label>Search (press /)<input id="search" type="search" autocomplete="off" placeholder="words in id, title, wording, owner"></label>
<label>Verdict<select id="verdict"><option value="">all</option>${options(['PASS', 'FAIL', 'ERROR', 'SKIP'])}<option value="none">no verdict yet</option></select></label>
<label>Level<select id="level"><option value="">all</option>${options(Object.keys(view.levels))}</select></label>
<label>Risk<select id="risk"><option value="">all</option>${options(Object.keys(view.risks))}</select></label>
<label>Spec<select id="spec"><option value="">all</option></select></label>
<span id="count" role="status" aria-live="polite"></span>
</div>
<div class="split"><div id="list" tabindex="0" role="listbox" aria-labelledby="criteria-title"></div><section id="detail" tabindex="-1" aria-live="polite" aria-label="The chosen criterion"></section></div>
</main>
${pieces.join('\n')}
<script>${PAGE_SCRIPT}</script>
</body></html>
`;
  },
};

/**
 * What runs in the coverage page. Plain browser JavaScript, kept as text: it has no build of its own and asks for nothing.
 * The list holds only the rows in view, so that 50,000 criteria cost as much as 20. All text goes in as text nodes.
 */
export const PAGE_SCRIPT = String.raw`
(() => {
  'use strict';
  const ROW = 48;
  const byId = (id) => document.getElementById(id);
  const list = byId('list'), detail = byId('detail'), count = byId('count');
  const search = byId('search'), verdict = byId('verdict'), level = byId('level'), risk = byId('risk'), spec = byId('spec');
  const all = [];
  let shown = [], chosen = -1, frame = 0;
  const spacer = document.createElement('div');
  list.append(spacer);

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const stateOf = (item) => item.verdict ?? (item.traced ? 'none' : 'SKIP');
  const label = (item) => item.verdict ?? (item.traced ? '\u2013' : 'SKIP');

  // The data comes in pieces, one at a time, so that no piece blocks the page for long.
  const pieces = [...document.querySelectorAll('script[data-criteria]')];
  const specs = new Set();
  const load = () => {
    const piece = pieces.shift();
    if (piece === undefined) {
      for (const name of [...specs].sort()) spec.append(new Option(name, name));
      return apply();
    }
    for (const item of JSON.parse(piece.textContent)) {
      item.words = (item.id + ' ' + item.title + ' ' + item.text + ' ' + item.owner + ' ' + item.reason).toLowerCase();
      specs.add(item.spec);
      all.push(item);
    }
    piece.remove();
    if (all.length <= 2000) apply();
    setTimeout(load, 0);
  };

  // A slice a task: a slow machine stays responsive, and a newer filter ends an older one half-way.
  const SLICE = 2000;
  let round = 0;
  const apply = () => {
    round += 1;
    const mine = round;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = { verdict: verdict.value, level: level.value, risk: risk.value, spec: spec.value };
    const fits = (item) =>
      (wanted.verdict === '' || stateOf(item) === wanted.verdict) && (wanted.level === '' || item.level === wanted.level) &&
      (wanted.risk === '' || item.risk === wanted.risk) && (wanted.spec === '' || item.spec === wanted.spec) && words.every((word) => item.words.includes(word));
    const found = [];
    let at = 0;
    const step = () => {
      if (mine !== round) return;
      const end = Math.min(all.length, at + SLICE);
      for (; at < end; at += 1) if (fits(all[at])) found.push(all[at]);
      if (at < all.length) setTimeout(step, 0);
      else finish(found);
    };
    step();
  };

  const finish = (found) => {
    shown = found;
    chosen = shown.length > 0 ? 0 : -1;
    spacer.style.height = shown.length * ROW + 'px';
    list.scrollTop = 0;
    count.textContent = shown.length + ' of ' + all.length + ' criteria';
    draw();
    show(false);
  };

  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
    const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 5);
    const rows = [];
    for (let i = first; i < last; i += 1) {
      const item = shown[i];
      const row = element('div', undefined, 'row');
      row.id = 'row-' + i;
      row.dataset.index = String(i);
      row.style.top = i * ROW + 'px';
      row.setAttribute('role', 'option');
      row.setAttribute('aria-selected', String(i === chosen));
      row.setAttribute('aria-setsize', String(shown.length));
      row.setAttribute('aria-posinset', String(i + 1));
      row.append(element('span', label(item), 'badge ' + stateOf(item)));
      const text = element('span');
      text.append(element('span', item.title, 'title'), element('span', item.id + (item.reason ? ' \u00b7 ' + item.reason : ''), 'id'));
      text.firstChild.style.display = 'block';
      row.append(text);
      rows.push(row);
    }
    list.replaceChildren(spacer, ...rows);
    if (chosen >= first && chosen < last) list.setAttribute('aria-activedescendant', 'row-' + chosen);
    else list.removeAttribute('aria-activedescendant');
  };

  const show = (scroll) => {
    const item = shown[chosen];
    if (item === undefined) return detail.replaceChildren(element('p', 'Nothing matches.', 'dim'));
    if (scroll) {
      if (chosen * ROW < list.scrollTop) list.scrollTop = chosen * ROW;
      else if ((chosen + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (chosen + 1) * ROW - list.clientHeight;
    }
    const parts = [element('h2', item.title), element('p', item.id + ' \u00b7 ' + item.spec + ' \u00b7 ' + item.level + ' \u00b7 risk ' + item.risk + (item.owner ? ' \u00b7 ' + item.owner : ''), 'dim')];
    const state = element('p');
    state.append(element('span', label(item), 'badge ' + stateOf(item)), document.createTextNode((item.reason ? ' (' + item.reason + ')' : '') + (item.detail ? ' ' + item.detail : '') + (item.verdict === null && item.traced ? ' no verdict on this source yet' : '')));
    parts.push(state);
    if (item.text) parts.push(element('p', item.text, 'text'));
    const section = (title, lines) => {
      if (lines.length === 0) return;
      const ul = element('ul');
      for (const line of lines) ul.append(element('li', line));
      parts.push(element('h3', title), ul);
    };
    section('Verified by', item.tests.map((test) => test.selector + (test.line ? '  ' + test.file + ':' + test.line : '')));
    section('Implemented by', item.implementations.map((code) => code.file + ':' + code.line + (code.symbol ? ' ' + code.symbol : '')));
    section('Last checks', item.checks.map((check) => check.verdict + '(' + check.reason + ') ' + check.link + ', ' + check.duration_ms + ' ms'));
    if (item.run) parts.push(element('p', 'run ' + item.run, 'dim'));
    if (item.output) parts.push(element('h3', 'Output'), element('pre', item.output));
    detail.replaceChildren(...parts);
  };

  const move = (to) => {
    if (shown.length === 0) return;
    chosen = Math.min(shown.length - 1, Math.max(0, to));
    show(true);
    draw();
  };
  let typing = 0;
  search.addEventListener('input', () => { clearTimeout(typing); typing = setTimeout(apply, 60); });
  for (const select of [verdict, level, risk, spec]) select.addEventListener('change', apply);
  list.addEventListener('scroll', () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(draw); });
  list.addEventListener('click', (event) => { const row = event.target.closest('.row'); if (row) { list.focus(); move(Number(row.dataset.index)); } });
  list.addEventListener('keydown', (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + page, PageUp: chosen - page, Home: 0, End: shown.length - 1 }[event.key];
    if (to !== undefined) { event.preventDefault(); move(to); }
    if (event.key === 'Enter') { event.preventDefault(); detail.focus(); }
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && event.target !== search) { event.preventDefault(); search.focus(); }
    if (event.key === 'Escape') { if (event.target === detail) list.focus(); else if (event.target === search) { search.value = ''; apply(); } }
  });
  window.addEventListener('resize', draw);
  setTimeout(load, 0);
})();
`;

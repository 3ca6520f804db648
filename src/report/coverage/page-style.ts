/** Style of the coverage page: system colours in dark and light, 400 px to wide, focus always visible. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --fg: #1b1f24; --bg: #fff; --soft: #f3f5f7; --line: #d5dae0; --dim: #57606a; --pass: #1a7f37; --fail: #c62828; --skip: #8a6100; --error: #8e24aa; --focus: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e9ee; --bg: #14171b; --soft: #1e2329; --line: #38404a; --dim: #a3adb8; --pass: #57c774; --fail: #ff7b72; --skip: #e3b341; --error: #d8a0f0; --focus: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); }
header, main { max-width: 1500px; margin: 0 auto; padding: 0 16px; }
h1 { font-size: 1.4rem; margin: 16px 0 4px; }
h2 { font-size: 1.05rem; margin: 20px 0 8px; }
.dim { color: var(--dim); }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 12px 0; padding: 0; list-style: none; }
.numbers li { background: var(--soft); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; }
.numbers b { font-size: 1.5rem; display: block; }
.bar { height: 6px; border-radius: 3px; background: var(--line); overflow: hidden; margin-top: 6px; }
.bar i { display: block; height: 100%; background: var(--pass); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 8px; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; max-height: 420px; overflow-y: auto; }
.controls { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0; align-items: end; }
.controls label { display: flex; flex-direction: column; font-size: .8rem; color: var(--dim); }
input, select { font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--dim); border-radius: 6px; padding: 6px 8px; min-width: 0; }
#search { width: min(420px, 80vw); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 1px; }
.split { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 16px; margin-bottom: 32px; }
@media (max-width: 900px) { .split { grid-template-columns: minmax(0, 1fr); } }
#list { height: 560px; overflow-y: auto; border: 1px solid var(--line); border-radius: 8px; position: relative; }
#list .row { position: absolute; left: 0; right: 0; height: 48px; padding: 4px 12px; border-bottom: 1px solid var(--line); display: grid; grid-template-columns: 64px minmax(0, 1fr); gap: 8px; align-items: center; cursor: pointer; }
#list .row[aria-selected="true"] { background: var(--soft); box-shadow: inset 3px 0 0 var(--focus); }
.row .id { display: block; font-size: .78rem; color: var(--dim); }
.row .id, .row .title { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.PASS { color: var(--pass); } .FAIL { color: var(--fail); } .SKIP { color: var(--skip); } .ERROR { color: var(--error); }
.badge { font-weight: 600; font-size: .82rem; }
#detail { border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; min-height: 200px; overflow-wrap: anywhere; align-self: start; }
#detail pre { background: var(--soft); padding: 8px; border-radius: 6px; overflow: auto; max-height: 320px; white-space: pre-wrap; }
#detail p.text { white-space: pre-wrap; }
`;

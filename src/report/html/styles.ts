/** The page's only style sheet. The colours of parts tell neighbours apart for all kinds of eyes. */
export const styles = `
:root { color-scheme: light dark; --back: #fbfbf9; --panel: #ffffff; --ink: #1b1f24; --soft: #59616b;
  --line: #d9dcd6; --good: #17693f; --good-back: #e2f3e8; --bad: #9f2a1f; --bad-back: #fbe7e4;
  --link: #0b57a4; --gate: #0b63b8; --keep: #b35900; --code: #f1f2ee;
  --p0: #3b6fb6; --p1: #e0992f; --p2: #3a9d7c; --p3: #b3557e; --p4: #7aa9dd; --p5: #6a5acd;
  --p6: #8c7a45; --p7: #c6503b; --p8: #59616b; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171a; --panel: #1b1f24; --ink: #e6e8ea; --soft: #a0a8b1; --line: #343a41;
    --good: #7fd6a3; --good-back: #17341f; --bad: #f2a097; --bad-back: #43201c; --link: #82b8f2;
    --gate: #6fb1f5; --keep: #f0a54a; --code: #252a30;
    --p0: #6ea1e6; --p1: #eab35c; --p2: #5fc4a1; --p3: #d98bae; --p4: #a9c9ef; --p5: #a094f0;
    --p6: #c2b078; --p7: #ea8370; --p8: #a0a8b1; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); line-height: 1.5;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
header, main, footer { max-width: 50rem; margin: 0 auto; padding: 0 1.1rem; }
header { padding-top: 2rem; }
footer { color: var(--soft); font-size: .875rem; padding-bottom: 3rem; }
h1 { font-size: 1rem; font-weight: 600; margin: 0; color: var(--soft); }
.lede { font-size: 1.4rem; line-height: 1.35; margin: .4rem 0 1rem; font-weight: 600; text-wrap: pretty; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .5rem 0; }
a { color: var(--link); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1rem; padding: 0; margin: 1.25rem 0 0; font-size: .9rem; }
.note, .soft { color: var(--soft); font-size: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; }
.tile p { margin: 0; }
.tile .big { font-size: 1.6rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile .arrow { color: var(--soft); font-weight: 400; }
.badge { display: inline-block; border-radius: 1rem; padding: 0 .6rem; font-size: .8rem; font-weight: 600;
  border: 1px solid currentColor; vertical-align: .1em; color: var(--soft); }
.badge.good { color: var(--good); background: var(--good-back); }
.badge.bad { color: var(--bad); background: var(--bad-back); }
ul.items { padding-left: 1.2rem; margin: .5rem 0; }
ul.items > li { margin: .4rem 0; }
ul.items ul { padding-left: 1.1rem; color: var(--soft); font-size: .925rem; }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: .75rem 0; }
.card h3, .card h4 { margin-top: 0; }
.card dl { margin: 0; display: grid; grid-template-columns: minmax(5rem, 8rem) 1fr; gap: .4rem .8rem; }
dt { color: var(--soft); font-size: .9rem; } dd { margin: 0; min-width: 0; }
.quote { margin: 0; white-space: pre-wrap; unicode-bidi: isolate; font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace;
  font-size: .875rem; background: var(--code); border-radius: .3rem; padding: .3rem .5rem; }
.quote.nothing { color: var(--soft); font-style: italic; }
pre { background: var(--code); border-radius: .4rem; padding: .6rem .8rem; overflow-x: auto; margin: .3rem 0 .9rem; font-size: .875rem; }
code { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; font-size: .9em; background: var(--code); border-radius: .25rem; padding: .1em .3em; }
pre code { padding: 0; font-size: inherit; }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { text-align: right; padding: .3rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: top; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { font-weight: 600; color: var(--soft); white-space: normal; vertical-align: bottom; min-width: 4.5rem; }
tbody th { font-weight: 500; }
figure { margin: 1rem 0; background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; }
figcaption { font-weight: 600; margin-bottom: .4rem; }
figure > svg { width: 100%; max-width: 40rem; height: auto; display: block; margin: 0 auto; }
.legend { list-style: none; padding: 0; margin: .3rem 0 .6rem; display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; font-size: .85rem; color: var(--soft); }
.key { width: .8rem; height: .8rem; margin-right: .4rem; vertical-align: -.05rem; }
summary { cursor: pointer; color: var(--link); font-size: .875rem; }
svg text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); } .zero { stroke: var(--soft); }
.line-margin { stroke: var(--bad); stroke-dasharray: 5 4; stroke-width: 1.5; }
.gate, .loss { fill: var(--gate); } .bar-gate { stroke: var(--gate); stroke-width: 2; fill: none; }
.retention { fill: var(--panel); stroke: var(--keep); stroke-width: 2; } .bar-retention { stroke: var(--keep); stroke-width: 2; fill: none; }
.line-loss { stroke: var(--gate); stroke-width: 2; fill: none; }
.part-0 { fill: var(--p0); } .part-1 { fill: var(--p1); } .part-2 { fill: var(--p2); } .part-3 { fill: var(--p3); }
.part-4 { fill: var(--p4); } .part-5 { fill: var(--p5); } .part-6 { fill: var(--p6); } .part-7 { fill: var(--p7); } .part-8 { fill: var(--p8); }
ol.timeline { list-style: none; padding: 0; margin: .75rem 0; border-left: 2px solid var(--line); }
ol.timeline li { display: grid; grid-template-columns: 6.6rem 1fr; gap: .1rem .8rem; padding: .2rem 0 .2rem .9rem; border-left: 4px solid transparent; margin-left: -3px; }
ol.timeline .when { color: var(--soft); font-size: .85rem; padding-top: .1rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
li.start { font-weight: 600; } li.good { border-left-color: var(--good) !important; }
li.stop, li.notice { border-left-color: var(--keep) !important; } li.fault { border-left-color: var(--bad) !important; }
li.gap { border-left-color: var(--keep) !important; font-style: italic; color: var(--soft); }
@media (max-width: 34rem) {
  .lede { font-size: 1.2rem; }
  .card dl { grid-template-columns: 1fr; gap: .15rem; } dd + dt { margin-top: .4rem; }
  ol.timeline li { grid-template-columns: 1fr; }
  svg text { font-size: 15px; } figure { padding: .7rem .6rem; } }
@media print { details > *, .scroll { overflow: visible; } nav { display: none; } .card, figure { break-inside: avoid; } }
`;

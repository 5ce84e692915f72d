import { styles } from "../../../report/html/styles.js";

/** A run's page, and what a study's has besides. Blue and orange, with shapes and hatching. */
export const studyStyles = `${styles}
.hatch-lines { position: absolute; }
.hatch { stroke: var(--panel); stroke-width: 1.6; }
.band { fill: var(--line); opacity: .55; }
.bar-open { stroke: var(--soft); stroke-width: 1.5; fill: none; }
.mark-gain { fill: var(--gate); stroke: var(--gate); } .mark-loss { fill: var(--keep); stroke: var(--keep); }
.mark-same { fill: var(--ink); stroke: var(--ink); } .mark-open { fill: var(--panel); stroke: var(--ink); stroke-width: 1.5; }
.mark-stopped { fill: none; stroke: var(--soft); stroke-width: 1.5; }
.cell-none { fill: var(--line); opacity: .6; } .cell-gain { fill: var(--gate); } .cell-some-gain { fill: var(--gate); opacity: .5; }
.cell-loss { fill: var(--keep); } .cell-some-loss { fill: var(--keep); opacity: .5; }
.flow-kept { fill: var(--p4); opacity: .75; } .flow-fixed { fill: var(--gate); } .flow-broken { fill: var(--keep); } .flow-missed { fill: var(--line); }
.line-frontier { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 3; fill: none; }
.side { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; } .side > div { min-width: 0; }
ins { text-decoration: underline; text-decoration-thickness: 2px; font-weight: 650; color: var(--gate); }
del { text-decoration: line-through; color: var(--keep); }
@media (max-width: 34rem) { .side { grid-template-columns: 1fr; } }
@media print { details:not([open]) > summary { display: none; } .quote, pre { white-space: pre-wrap; } }
`;

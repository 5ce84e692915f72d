import { code, escaped, oneLine } from "../report/text.js";
import { type CandidateReport, type EvolutionReport, figureText } from "./report.js";

/** An evolution's report on a terminal. */
export function evolutionTerminal(report: EvolutionReport): string {
  const { headline, faults, proposals, proofs, spec } = report;
  return [
    headline,
    "",
    basisText(report),
    `${proposals} proposals: ${proposalsText(report)}`,
    ...faults.map(({ fault, count, reason }) => `  ${fault} ${count}, as: ${oneLine(reason)}`),
    ...report.candidates.map((each) => `  ${candidateText(each)}`),
    ...proofs.map(
      (proof) =>
        `Proof of ${proof.candidate}: ${proof.won ? "won again" : "did not win again"}; ${figureText(proof, spec)}`,
    ),
    ...nextSteps(report),
  ].join("\n");
}

/** The same as Markdown; what models wrote is in code spans and blocks. */
export function evolutionMarkdown(report: EvolutionReport): string {
  const { run, ancestor, headline, faults, proofs, spec, proposals } = report;
  const best = [...report.candidates]
    .filter(({ bred }) => bred !== null)
    .sort((a, b) => b.bred! - a.bred!)
    .slice(0, 3);
  return [
    `# Evolution ${escaped(run)}`,
    "",
    escaped(headline),
    "",
    basisText(report),
    "",
    "## Proposals",
    "",
    `${proposals} proposals: ${proposalsText(report)}.`,
    "",
    ...faults.map(({ fault, count, reason }) => `- ${fault}: ${count}, as ${code(reason)}`),
    "",
    "## Prompts that were tried",
    "",
    `| Prompt | From | Minibatch: parent, child | Breeding tasks | Best on |`,
    "| --- | --- | --- | --- | --- |",
    ...report.candidates.map(row),
    "",
    "## Proof",
    "",
    ...(proofs.length === 0 ? ["None was put to the proof."] : []),
    ...proofs.map(
      (proof) =>
        `- ${proof.candidate} ${proof.won ? "**won again**" : "did not win again"}: fitter on ${proof.better}, less fit on ${proof.worse} of ${proof.tasks} tasks; ${figureText(proof, spec)}`,
    ),
    "",
    ...best.flatMap(({ id, text }) => [
      `## ${id === "start" ? `${escaped(ancestor)}, the ancestor` : id}`,
      "",
      ...text.split("\n").map((line) => `    ${oneLine(line, 1000)}`),
      "",
    ]),
    ...nextSteps(report).map(escaped),
    "",
  ].join("\n");
}

function basisText({ spec, tasks }: EvolutionReport): string {
  const of = ({ usable, all }: { usable: number; all: number }) =>
    usable === all ? `${all}` : `${usable} of ${all}`;
  return `Bred on ${of(tasks.breed)} training tasks, to be proved on ${of(tasks.prove)} others; one-sided exact test at ${spec.alpha}${spec.finalists > 1 ? `, Holm over at most ${spec.finalists}` : ""}; seed ${spec.seed}, tasks' seed ${spec.taskSeed}.`;
}

function proposalsText({ candidates, proposals, faults }: EvolutionReport): string {
  const refused = faults.reduce((sum, { count }) => sum + count, 0);
  const entered = candidates.filter(({ match }) => match?.entered).length;
  return `${refused} not tried, ${proposals - refused} tried, ${entered} beat their parent`;
}

function candidateText({ id, parent, match, bred, bestOn }: CandidateReport): string {
  const from = parent === null ? "" : ` from ${parent}`;
  const met = match ? `, minibatch ${match.parent.toFixed(3)} to ${match.child.toFixed(3)}` : "";
  const all = bred === null ? "" : `, breeding tasks ${bred.toFixed(3)}`;
  return `${id}${from}${met}${all}${bestOn === null ? "" : `, best on ${bestOn}`}`;
}

function row({ id, parent, match, bred, bestOn }: CandidateReport): string {
  const met = match ? `${match.parent.toFixed(3)}, ${match.child.toFixed(3)}` : "";
  return `| ${id} | ${parent ?? ""} | ${met} | ${bred?.toFixed(3) ?? ""} | ${bestOn ?? ""} |`;
}

function nextSteps({ finished, run, proofs }: EvolutionReport): string[] {
  if (!finished) return [`Go on with: redistill resume ${run}`];
  const won = proofs.filter((proof) => proof.won);
  if (won.length === 0) return [];
  const names = won.map(({ path }) => path!.split("/").at(-1)!.replace(/\.md$/, ""));
  return [
    `Whether training on its critiques is better too, only a study says: factors: {critique.prompt: [${names.join(", ")}, …]}`,
  ];
}

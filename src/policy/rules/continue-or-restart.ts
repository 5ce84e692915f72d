import { forgot } from "../evidence.js";
import { choose, nothingToSay, type Rule } from "../rule.js";

const rule = "continue-or-restart";

/** Rejections in a row after which the other start is tried. */
const patience = 2;

/**
 * Where a training starts, by the last gates: two candidates in a row that were not shown to be better are followed by
 * one that starts from the other weights, unless that was tried since the last promotion. Restarting avoids drift and
 * the sum of small losses (STaR, Zelikman et al. 2022; ReST-EM, Singh et al. 2024), going on builds upon what is there
 * (ReST, Gulcehre et al. 2023). An adapter can only go on with its own rank.
 */
export const continueOrRestart: Rule = (observation, settings) => {
  const from = settings["retrain.from"];
  const promoted = observation.rounds.findLastIndex(({ outcome }) => outcome === "promoted");
  const since = observation.rounds.slice(promoted + 1);
  const other = from === "base" ? "incumbent" : "base";
  const tried = since.some((round) => round.settings["retrain.from"] === other);
  const failed = since.filter((round) => round.gate !== null && !forgot(round)).length;
  if (from === undefined || tried || failed < patience) return nothingToSay;
  if (other === "incumbent") {
    const rank = observation.incumbentRank;
    const same = rank === null || rank === settings["retrain.rank"];
    if (promoted < 0 || !same) return nothingToSay;
  }
  const because = `${failed} candidates in a row that started from the ${from} were not better`;
  const saw = { rejected: failed, from };
  return { decisions: choose(settings, "retrain.from", other, { rule, because, saw }) };
};

"""Writes reference.json: what established programs give for the inputs that the tests use.

scipy and statsmodels are not in the trainer's environment, so the values are kept. To make them again:

    python -m venv env && env/bin/pip install scipy==1.17.1 statsmodels==0.15.0 matplotlib multiprocess
    git clone https://github.com/gostevehoward/confseq    # commit 70b1ef3, the paper's own program
    PYTHONPATH=confseq/src env/bin/python tests/stats/reference.py > tests/stats/reference.json
"""

import json
import math
import sys

import numpy as np
import pandas as pd
import scipy
import statsmodels
import statsmodels.formula.api as smf
from scipy import special, stats
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

np.float_ = np.float64  # confseq was written for numpy 1
from confseq.betting import betting_cs, betting_mart  # noqa: E402

random = np.random.default_rng(20261123)


def distributions():
    """Values of distribution functions, with their arguments."""
    xs = [-30, -8, -6, -5, -3, -1, -0.6, 0, 0.3, 0.68, 2, 5.6, 5.7]
    ts = [(2.5, 3.7), (-1, 100), (0, 2), (12.7, 1), (1e-3, 7), (4, 1e5)]
    tails = [(0.025, 1), (0.025, 2.2), (0.005, 30), (0.05, 399), (1e-6, 5)]
    shifted = [(2, 10, 2.5), (4.3, 2, 3), (2.9, 1.5, 1), (1.97, 400, 2.8), (2, 12, -1)]
    betas = [(0.3, 2, 5), (0.99, 0.5, 0.5), (0.5, 200, 200), (0.02, 1, 40)]
    return {
        "normalCdf": [[x, stats.norm.cdf(x)] for x in xs],
        "studentTail": [[t, df, stats.t.sf(t, df)] for t, df in ts],
        "studentCritical": [[p, df, stats.t.isf(p, df)] for p, df in tails],
        "noncentralTail": [[t, df, d, stats.nct.sf(t, df, d)] for t, df, d in shifted],
        "regularizedBeta": [[x, a, b, special.betainc(a, b, x)] for x, a, b in betas],
        "logGamma": [[x, special.gammaln(x)] for x in [0.5, 1.5, 3, 10.25, 1000]],
    }


def layout(tasks, seeds, task_sd, seed_sd):
    """Differences of verdicts: -1, 0 or 1, with an effect of task and of seed."""
    task = random.normal(0, task_sd, (tasks, 1))
    seed = random.normal(0, seed_sd, (1, seeds))
    latent = 0.1 + task + seed + random.normal(0, 0.5, (tasks, seeds))
    return np.clip(np.round(latent), -1, 1)


def mixed():
    """Variance components by REML (statsmodels) and mean squares by its analysis of variance."""
    cases = []
    for values in [layout(40, 3, 0.6, 0.4), layout(25, 5, 0.9, 0.6)]:
        tasks, seeds = values.shape
        frame = pd.DataFrame(
            [(values[t, s], str(t), str(s)) for t in range(tasks) for s in range(seeds)],
            columns=["d", "task", "seed"],
        )
        model = smf.mixedlm(
            "d ~ 1",
            frame,
            groups=np.ones(len(frame)),
            vc_formula={"seed": "0 + C(seed)", "task": "0 + C(task)"},
        ).fit(reml=True, method="powell")
        table = anova_lm(smf.ols("d ~ C(task) + C(seed)", frame).fit())
        cases.append(
            {
                "values": values.tolist(),
                "components": {
                    **dict(zip(model.model.exog_vc.names, model.vcomp.tolist())),
                    "residual": model.scale,
                },
                "standardError": float(model.bse_fe.iloc[0]),
                "meanSquares": table["mean_sq"].tolist(),
            }
        )
    single = layout(30, 1, 0.6, 0)[:, 0]
    test = stats.ttest_1samp(single, 0)
    interval = test.confidence_interval(0.9)
    return {
        "crossed": cases,
        "single": {
            "values": single.tolist(),
            "p": test.pvalue,
            "low": interval.low,
            "high": interval.high,
            "confidence": 0.9,
        },
    }


def bootstrap():
    """scipy's BCa on replicates that are given to it, so that nothing is left to chance."""
    clusters = layout(24, 3, 0.7, 0).mean(axis=1) ** 2
    draws = random.integers(0, len(clusters), (400, len(clusters)))
    replicates = clusters[draws].mean(axis=1)
    prior = stats.bootstrap((clusters,), np.mean, n_resamples=2, method="percentile", rng=1)
    prior.bootstrap_distribution = replicates
    cases = []
    for confidence in [0.9, 0.95]:
        result = stats.bootstrap(
            (clusters,),
            np.mean,
            n_resamples=0,
            bootstrap_result=prior,
            confidence_level=confidence,
            method="BCa",
        ).confidence_interval
        cases.append([confidence, result.low, result.high])
    return {"clusters": clusters.tolist(), "replicates": replicates.tolist(), "cases": cases}


def adjusted():
    """Holm's adjusted p-values."""
    lists = [
        [0.01, 0.04, 0.03],
        [0.5],
        [0.001, 0.8, 0.02, 0.02, 0.3, 0.0004],
        random.uniform(0, 0.2, 12).tolist(),
    ]
    return [[p, multipletests(p, method="holm")[1].tolist()] for p in lists]


def effects():
    """Hedges' correction and exact intervals of the odds of a gain."""
    values = layout(18, 3, 0.7, 0.1).mean(axis=1)
    m = len(values) - 1
    hedges = special.gamma(m / 2) / (math.sqrt(m / 2) * special.gamma((m - 1) / 2))
    odds = []
    for gained, lost, confidence in [(15, 5, 0.95), (8, 1, 0.9), (7, 0, 0.95), (0, 4, 0.95)]:
        test = stats.binomtest(gained, gained + lost)
        share = test.proportion_ci(confidence, method="exact")
        high = None if share.high == 1 else share.high / (1 - share.high)
        odds.append([gained, lost, confidence, share.low / (1 - share.low), high])
    return {
        "values": values.tolist(),
        "cohensD": hedges * values.mean() / values.std(ddof=1),
        "odds": odds,
    }


def tost():
    """Two one-sided tests of paired samples."""
    first = random.uniform(0, 1, 35)
    second = np.clip(first + random.normal(0.01, 0.08, 35), 0, 1)
    cases = []
    for margin in [0.02, 0.05]:
        p, lower, upper = ttost_paired(second, first, -margin, margin)
        cases.append([margin, p, lower[1], upper[1]])
    return {"differences": (second - first).tolist(), "cases": cases}


def power():
    """Power of the paired t-test, and of McNemar's test summed over all outcomes."""
    solver = TTestPower()
    t_tests = []
    for tasks, deviation, alpha in [(200, 0.4, 0.05), (60, 0.5, 0.01)]:
        effect = solver.solve_power(nobs=tasks, alpha=alpha, power=0.8)
        at = solver.power(0.25, tasks, alpha)
        t_tests.append([tasks, deviation, alpha, at, effect * deviation])
    mcnemar = []
    for tasks, discordant, level, gain in [
        (400, 0.15, 0.05 / 8, 0.05),
        (200, 0.1, 0.025, 0.05),
        (120, 0.3, 0.05, 0.0),
        (50, 0.2, 0.05, 0.2),
    ]:
        total = 0.0
        for pairs in range(tasks + 1):
            gains = np.arange(pairs + 1)
            rejected = gains[stats.binom.sf(gains - 1, pairs, 0.5) <= level]
            share = stats.binom.pmf(rejected, pairs, (1 + gain / discordant) / 2).sum()
            total += stats.binom.pmf(pairs, tasks, discordant) * share
        mcnemar.append([tasks, discordant, level, gain, total])
    return {"t": t_tests, "mcnemar": mcnemar}


def sequence():
    """Capital and confidence sequence by the program of Waudby-Smith and Ramdas."""
    differences = random.choice([-1, 0, 1], 300, p=[0.04, 0.82, 0.14])
    shares = (differences + 1) / 2
    cases = []
    for tasks, alpha in [(40, 0.05), (300, 0.05), (300, 0.2)]:
        low, high = betting_cs(
            shares[:tasks], alpha=alpha, breaks=4000, running_intersection=True
        )
        cases.append([tasks, 1 - alpha, 2 * low[-1] - 1, 2 * high[-1] - 1])
    capital = betting_mart(shares, 0.5, alpha=0.05)
    return {"differences": differences.tolist(), "cases": cases, "capital": float(capital.max())}


json.dump(
    {
        "versions": {
            "scipy": scipy.__version__,
            "statsmodels": statsmodels.__version__,
            "confseq": "0.0.11",
        },
        "distributions": distributions(),
        "mixed": mixed(),
        "bootstrap": bootstrap(),
        "holm": adjusted(),
        "effects": effects(),
        "equivalence": tost(),
        "power": power(),
        "sequence": sequence(),
    },
    sys.stdout,
    default=lambda value: value.item(),
)
print()

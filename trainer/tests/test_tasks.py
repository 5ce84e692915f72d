"""Tasks and scores of reasoning-gym, through the worker, without torch."""

import json

import pytest

from redistill_trainer.errors import WorkerError
from redistill_trainer.tasks import make_tasks, score_answers


def test_tasks_are_the_same_for_a_seed_and_their_answers_score_one(worker):
    request = {"dataset": "basic_arithmetic", "config": {"max_terms": 2}, "size": 5, "seed": 3}
    made = worker.ask("tasks", **request)["tasks"]
    assert made == worker.ask("tasks", **request)["tasks"]
    assert made != worker.ask("tasks", **{**request, "seed": 4})["tasks"]
    assert [set(task) for task in made] == [{"question", "answer", "entry"}] * 5
    items = [{"entry": task["entry"], "answer": task["answer"]} for task in made]
    items += [{"entry": made[0]["entry"], "answer": "no idea"}, {"entry": made[0]["entry"], "answer": None}]
    scores = worker.ask("score", dataset="basic_arithmetic", config={}, items=items)["scores"]
    assert scores[:5] == [1.0] * 5
    assert all(score < 1 for score in scores[5:])


def test_many_datasets_survive_json(worker):
    for dataset in ("chain_sum", "simple_equations", "word_sorting", "sudoku", "leg_counting"):
        made = json.loads(json.dumps(worker.ask("tasks", dataset=dataset, config={}, size=2, seed=1)["tasks"]))
        items = [{"entry": task["entry"], "answer": task["answer"]} for task in made if task["answer"] is not None]
        scores = worker.ask("score", dataset=dataset, config={}, items=items)["scores"]
        assert scores == [1.0] * len(items), dataset


def test_an_unknown_dataset_names_the_nearest(worker):
    error = worker.ask("tasks", dataset="basic_arithmetics", config={}, size=1, seed=1)
    assert (error["event"], error["kind"]) == ("error", "bad_job")
    assert "basic_arithmetic" in error["message"]


def test_a_bad_config_names_the_fields(worker):
    unknown = worker.ask("tasks", dataset="basic_arithmetic", config={"terms": 2}, size=1, seed=1)
    assert unknown["kind"] == "bad_job"
    assert "'terms'" in unknown["message"]
    assert "min_terms" in unknown["message"]
    wrong = worker.ask("tasks", dataset="basic_arithmetic", config={"min_terms": 9, "max_terms": 2}, size=1, seed=1)
    assert wrong["kind"] == "bad_job"


@pytest.mark.parametrize("dataset", ["countdown", "string_insertion", "spiral_matrix", "simple_integration", "polynomial_multiplication"])
def test_a_verifier_that_would_run_the_answer_is_refused(dataset):
    entry = make_tasks(dataset, {}, 1, 1)[0]["entry"]
    with pytest.raises(WorkerError, match="running it as code"):
        score_answers(dataset, {}, [{"entry": entry, "answer": "__import__('os').getpid()"}])


def test_an_answer_that_breaks_the_verifier_has_no_score(monkeypatch):
    entry = make_tasks("chain_sum", {}, 1, 1)[0]["entry"]
    monkeypatch.setattr("reasoning_gym.arithmetic.chain_sum.ChainSumDataset.score_answer", broken)
    assert score_answers("chain_sum", {}, [{"entry": entry, "answer": "1"}]) == [None]


def broken(self, answer, entry):
    raise RecursionError("too deep")

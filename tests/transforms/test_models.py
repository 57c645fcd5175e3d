"""Models of a workspace: trained, loaded, and asked while deciding."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from schemas.errors import CjaasError
from schemas.workspace import Workspace, load_workspace
from tests.workspaces import SETTINGS, write_workspace
from transforms.models import load_models

MODELS = """\
models:
  - {name: buys, file: buys.pickle, inputs: [activity, spend]}
"""


def workspace(directory: Path, model: bytes) -> Workspace:
    write_workspace(directory, settings=SETTINGS + MODELS)
    (directory / "buys.pickle").write_bytes(model)
    return load_workspace(directory, {})


def trained(inputs: int) -> bytes:
    rows = [[float(number)] * inputs for number in range(10)]
    return pickle.dumps(LogisticRegression().fit(rows, [number > 4 for number in range(10)]))


def test_a_score_is_the_probability_of_the_last_class(tmp_path: Path) -> None:
    score = load_models(workspace(tmp_path / "shop", trained(2)))["buys"]
    assert 0 < score([0.0, 0.0]) < 0.1
    assert 0.9 < score([9.0, 9.0]) < 1
    assert isinstance(score([4.5, 4.5]), float)


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (trained(3), "ValueError: X has 2 features"),
        (b"no pickle", "UnpicklingError"),
        (pickle.dumps([1, 2]), "AttributeError: 'list' object has no attribute 'predict_proba'"),
    ],
)
def test_a_strange_model_is_told_before_any_event(tmp_path: Path, model: bytes, found: str) -> None:
    given = workspace(tmp_path / "shop", model)
    with pytest.raises(CjaasError, match="model buys: expected a scikit-learn") as told:
        load_models(given)
    assert found in str(told.value)


def test_another_model_is_another_workspace(tmp_path: Path) -> None:
    first = workspace(tmp_path / "shop", trained(2))
    (tmp_path / "shop" / "buys.pickle").write_bytes(trained(3))
    assert load_workspace(tmp_path / "shop", {}).fingerprint != first.fingerprint


def test_without_models_none_are_loaded(tmp_path: Path) -> None:
    write_workspace(tmp_path / "shop")
    assert load_models(load_workspace(tmp_path / "shop", {})) == {}

"""Models that score persons: Beam's model handlers, loaded once a process and asked while deciding."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import CjaasError
from schemas.workspace.model import Model, Workspace
from transforms.core.plan import Models

if TYPE_CHECKING:
    from apache_beam.ml.inference.base import ModelHandler


def load_models(workspace: Workspace) -> Models:
    """A workspace's models; those who have some need `cjaas[models]`.

    Raises:
        CjaasError: one can't be loaded, or gives no probabilities.
    """
    return {model.name: _load(model) for model in workspace.models.values()}


def _load(model: Model) -> Callable[[Sequence[float]], float]:
    return _load_file(model.name, model.file, model.file.stat().st_mtime_ns, len(model.inputs))


@lru_cache(maxsize=64)
def _load_file(name: str, file: Path, changed_ns: int, inputs: int) -> Callable[[Sequence[float]], float]:
    """A model's scores; they are tried once, so that a model of other inputs is found before any event."""
    try:
        handler = _handler(file)
    except ImportError:
        raise CjaasError(
            f"model {name}: expected scikit-learn, found none; run pip install cjaas[models]"
        ) from None

    try:
        model = handler.load_model()

        def score(values: Sequence[float]) -> float:
            [result] = handler.run_inference([values], model)
            return float(result.inference)

        score([0.0] * inputs)
    except Exception as error:  # noqa: BLE001 (unpickling and strange models may raise anything)
        raise CjaasError(
            f"model {name}: expected a scikit-learn classifier of {inputs} inputs in {file}, "
            f"found {type(error).__name__}: {error}; train it anew"
        ) from None
    return score


def _handler(file: Path) -> ModelHandler[Sequence[float], Any, Any]:
    from apache_beam.ml.inference.sklearn_inference import SklearnModelHandlerNumpy

    class Classifier(SklearnModelHandlerNumpy):
        """Beam's leaves the file open."""

        def load_model(self) -> Any:
            with file.open("rb") as opened:
                return pickle.load(opened)  # noqa: S301 (a workspace's files are its owner's)

    return Classifier(model_uri=str(file), inference_fn=_probabilities)


def _probabilities(model: Any, batch: Any, arguments: Any = None) -> Any:
    """Of the last class, for each row."""
    return model.predict_proba(batch)[:, -1]

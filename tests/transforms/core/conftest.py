"""The small workspace, loaded once."""

from __future__ import annotations

import pytest

from schemas.workspace import Workspace
from tests.workspaces import small_workspace
from transforms.core.decode import Decoder


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return small_workspace(tmp_path_factory.mktemp("workspaces") / "shop")


@pytest.fixture(scope="module")
def workspace(shop: Workspace) -> Workspace:
    return shop


@pytest.fixture(scope="module")
def decoder(workspace: Workspace) -> Decoder:
    return Decoder(workspace, "1.2.3")

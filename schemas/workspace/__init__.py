"""Workspaces: what one tenant's directory says, loaded and checked."""

from schemas.workspace.load import check_workspace, load_workspace
from schemas.workspace.model import Workspace

__all__ = ["Workspace", "check_workspace", "load_workspace"]

"""Webex Customer Journey Data Service: its templates and actions as a workspace's files."""

from schemas.cjds.read import read_exports
from schemas.cjds.remarks import Remark, summed_up
from schemas.cjds.translate import Imported, translate

__all__ = ["Imported", "Remark", "read_exports", "summed_up", "translate"]

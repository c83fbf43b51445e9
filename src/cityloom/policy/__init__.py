"""Who may read which rows and columns of which dataset, for what, and by which line of policy."""

from cityloom.policy.condition import Condition
from cityloom.policy.decision import Decision, Principal, is_open, sees_undeclared

__all__ = ["Condition", "Decision", "Principal", "is_open", "sees_undeclared"]

"""What roles are called."""

from cityloom.signin.roles import Role
from cityloom.web.kernel_words.sayings import N_
from cityloom.web.languages import Language

_ROLES = {
    Role.DATA_STEWARD: N_("data steward"),
    Role.ANALYST: N_("analyst"),
    Role.CASE_OFFICER: N_("case officer"),
    Role.COLLECTOR: N_("collector"),
    Role.OPERATOR: N_("operator"),
    Role.AUDITOR: N_("auditor"),
    Role.RESIDENT: N_("resident"),
    Role.ADMINISTRATOR: N_("administrator"),
}


def role_word(role: Role, language: Language) -> str:
    """What a role is called."""
    return language.gettext(_ROLES[role])

"""The roles that a user of a city may have."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody does for, or in, the city; what each may read is policy's to say."""

    DATA_STEWARD = "data_steward"
    ANALYST = "analyst"
    CASE_OFFICER = "case_officer"
    COLLECTOR = "collector"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    RESIDENT = "resident"
    ADMINISTRATOR = "administrator"

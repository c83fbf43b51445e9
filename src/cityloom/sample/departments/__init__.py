"""The six departments that hold registers in the sample city."""

from typing import Final

from cityloom.sample.departments import (
    company_registration,
    health_insurance,
    household_registration,
    land_registration,
    school_enrolment,
    tenancy,
)

DEPARTMENTS: Final = (
    household_registration.DEPARTMENT,
    school_enrolment.DEPARTMENT,
    health_insurance.DEPARTMENT,
    tenancy.DEPARTMENT,
    company_registration.DEPARTMENT,
    land_registration.DEPARTMENT,
)
"""Every department's register, in the order in which they are written."""

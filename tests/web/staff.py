"""People who have accounts in a town, and their browsers."""

from starlette.testclient import TestClient

from cityloom.city import City
from cityloom.signin.door import door_of
from cityloom.signin.roles import Role
from cityloom.web.app import create_app
from cityloom.web.signin.cookies import SESSION

STAFF = {"fang": Role.DATA_STEWARD, "lin": Role.ANALYST, "wu": Role.AUDITOR}


def employ(city: City) -> City:
    """Give the staff accounts."""
    for name, role in STAFF.items():
        door_of(city).accounts.add(name, "correct horse battery staple", [role])
    return city


def signed_in(city: City, name: str) -> TestClient:
    """A browser in which somebody has signed in."""
    cookies = {SESSION: door_of(city).sessions.begin(name)}
    return TestClient(create_app(city), base_url="http://127.0.0.1", cookies=cookies)

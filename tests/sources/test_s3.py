"""Objects of an object store that speaks S3."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer

from cityloom.city import City
from tests.cities import column, contract_text, rows
from tests.sources.sites import pulled, pulling_city, sound

CONTRACTS = {"tree": contract_text("tree", [column("id", key=1), column("kind")])}


@dataclass
class Store:
    """A bucket on the loopback interface."""

    port: int
    client: Any
    bucket: str

    def put(self, name: str, text: str, **more: str) -> None:
        self.client.put_object(Bucket=self.bucket, Key=name, Body=text.encode(), **more)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    monkeypatch.setenv("PARK_KEY", "an-access-key")
    monkeypatch.setenv("PARK_SECRET", "a-secret-key")
    client = boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
        aws_access_key_id="an-access-key", aws_secret_access_key="a-secret-key",
    )  # fmt: skip
    bucket = f"parks-{uuid4()}"  # what a server holds outlives it within one process
    client.create_bucket(Bucket=bucket)
    yield Store(port, client, bucket)
    server.stop()


def city_of(path: Path, store: Store, more: str = "", hosts: str = "internal") -> City:
    stated = (
        f'[network]\n{hosts} = ["127.0.0.1"]\n[sources.park]\nkind = "s3"\ndataset = "tree"\n'
        f'endpoint = "http://127.0.0.1:{store.port}"\nbucket = "{store.bucket}"\nfolder = "out/"\n'
        f'access_key = {{env = "PARK_KEY"}}\nsecret_key = {{env = "PARK_SECRET"}}\n{more}'
    )
    return pulling_city(path, CONTRACTS, stated)


def woven(city: City) -> set[str]:
    opened = City.open(city.path)
    opened.weave()
    return {row["id"] for row in rows(opened, "tree")}


def test_objects_that_are_new_or_changed_are_pulled(store: Store, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", store, 'pattern = "*.csv"\nrecursive = true')
    store.put("out/a.csv", "id,kind\n1,oak\n")
    store.put("out/2024/b.csv", "id,kind\n2,elm\n")
    store.put("out/note.txt", "no tree")
    store.put("elsewhere/c.csv", "id,kind\n3,ash\n")
    assert sound(city).files == 2
    assert woven(city) == {"1", "2"}
    store.put("out/a.csv", "id,kind\n4,fir\n")  # of the same size, perhaps in the same second
    sound(city)
    assert woven(city) == {"2", "4"}


def test_an_object_that_is_not_handed_out_does_not_stop_the_others(
    store: Store, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", store)
    store.put("out/a.csv", "id,kind\n1,oak\n", StorageClass="GLACIER")
    store.put("out/b.csv", "id,kind\n2,elm\n")
    found = pulled(city)
    assert found.error.startswith("a.csv: ")
    assert woven(city) == {"2"}


def test_an_object_that_did_not_change_is_not_pulled_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    monkeypatch.setattr("cityloom.sources.settled.YOUNG", timedelta(0))
    city = city_of(tmp_path / "city", store)
    store.put("out/a.csv", "id,kind\n1,oak\n")
    assert sound(city).files == 1
    assert sound(city).files == 0


def test_a_store_is_asked_only_where_its_host_is_internal(store: Store, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", store, hosts="hosts")
    assert f"127.0.0.1:{store.port} is not under internal of [network]" in pulled(city).error


def test_a_bucket_that_is_missing_is_told_without_the_keys(store: Store, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", store)
    toml = city.path / "city.toml"
    toml.write_text(toml.read_text().replace(store.bucket, "nothing"))
    said = pulled(city).error
    assert said.startswith("127.0.0.1: ")
    assert "secret-key" not in said

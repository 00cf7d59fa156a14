"""What a bucket's error means; its text may repeat credentials."""

import pytest

from pipeline.common.bucket_address import parse
from pipeline.store.bucket import Bucket, explained

ADDRESS = parse("s3://clips/spring")
SECRET = "AKIAHUNTER2HUNTER2"


def answered(status: int, code: str) -> str:
    return (
        f"Error performing PUT http://host/clips?X-Amz-Security-Token={SECRET} in 6ms - Server"
        f" returned non-2xx status code: {status} X: <Error><Code>{code}</Code><Message>"
        f"{SECRET}</Message><AWSAccessKeyId>{SECRET}</AWSAccessKeyId></Error>"
    )


@pytest.mark.parametrize(
    ("said", "lasts", "words"),
    [
        (answered(503, "SlowDown"), False, "does not work just now"),
        (answered(500, "InternalError"), False, "does not work just now"),
        (answered(429, "TooManyRequests"), False, "does not work just now"),
        (answered(400, "RequestTimeout"), False, "does not work just now"),
        (answered(501, "NotImplemented"), True, "knows no such request"),
        ("status code: 404 of an upload that was lost", False, "does not work just now"),
        (answered(400, "ExpiredToken"), True, "refuses this (400 ExpiredToken)"),
        (answered(403, "AccessDenied"), True, "refuses this (403 AccessDenied)"),
        (answered(403, "RequestTimeTooSkewed"), True, "clock"),
        (answered(404, "NoSuchBucket"), True, "there is no bucket clips"),
        (answered(301, "PermanentRedirect"), True, "in another region"),
        (answered(400, "AuthorizationHeaderMalformed"), True, "in another region"),
        ("this normally indicates an incorrectly configured region", True, "in another region"),
        ("PUT http://169.254.169.254/latest/api/token: timed out", True, "no credentials"),
        (f"HTTP error: error sending request {SECRET}", False, "cannot be reached"),
    ],
)
def test_an_error_says_whether_it_lasts_and_shows_no_secret(
    said: str, lasts: bool, words: str
) -> None:
    error = explained(ADDRESS, said)
    assert error.lasts is lasts
    assert words in error.message
    assert SECRET not in f"{error.message}{error.hint}"


def test_a_refusal_without_a_status_lasts() -> None:
    assert explained(ADDRESS, "denied", "PermissionDeniedError").lasts


@pytest.mark.parametrize("address", ["s3://clips/a", "gs://clips", "az://clips/a"])
def test_a_bucket_is_prepared_without_a_request(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("obstore")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    assert Bucket(parse(address), {}).address == parse(address)

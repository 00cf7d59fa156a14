import pytest

from pipeline.common.bucket_address import is_url, parse, public_link, public_template
from pipeline.errors import UsageError

SECRET = "hunter2secret"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("s3://clips", "s3://clips"),
        ("s3://clips/", "s3://clips"),
        (" gs://my_clips/a/b/ ", "gs://my_clips/a/b"),
        ("az://clips/frühling 2026", "az://clips/frühling 2026"),
    ],
)
def test_an_address_has_a_scheme_a_bucket_and_a_prefix(text: str, means: str) -> None:
    assert str(parse(text)) == means


@pytest.mark.parametrize(
    "text",
    [
        f"s3://AKIA:{SECRET}@clips/a",
        f"s3://{SECRET}@clips",
        f"s3://clips:{SECRET}/a",
        f"s3://clips/a?X-Amz-Signature={SECRET}",
        f"s3://clips/a#{SECRET}",
        f"https://{SECRET}.example.com/a",
        f"ftp://{SECRET}",
        "s3://",
        "s3:///a",
        "s3://cl ips/a",
        "s3://clips/a//b",
        "s3://clips/../b",
        "s3://clips/.inflight",
        "s3://clips/a\x1b[2J",
        "s3://clips/" + "a" * 400,
    ],
)
def test_an_address_that_is_not_plain_is_refused_and_never_echoed(text: str) -> None:
    assert is_url(text)
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert SECRET not in f"{refused.value.message}{refused.value.hint}"


@pytest.mark.parametrize("path", ["renders", "../s3", "/a/b", "~/s3:/a", "C:\\clips", "s3:/a"])
def test_a_path_is_not_an_address(path: str) -> None:
    assert not is_url(path)


def test_a_public_link_quotes_the_name_of_the_output() -> None:
    template = public_template("https://cdn.example.com/c/{path}?v=1")
    assert (
        public_link(template, "a b/é#1.mp4") == "https://cdn.example.com/c/a%20b/%C3%A9%231.mp4?v=1"
    )


@pytest.mark.parametrize(
    "text",
    [
        "https://cdn.example.com/",
        "https://{path}.example.com/",
        "https://cdn.example.com/{path}/{path}",
        f"https://me:{SECRET}@example.com/{{path}}",
        "javascript:alert(1)//{path}",
        'https://cdn.example.com/{path}" onload=x',
        "https://cdn.example.com/a;b/{path}",
        "{path}",
    ],
)
def test_a_public_address_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        public_template(text)
    assert SECRET not in refused.value.message

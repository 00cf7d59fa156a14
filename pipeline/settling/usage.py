"""A list of requests that a person has exported from the account's page: `settle --from usage.csv`.

Any delimiter, with or without a byte order mark, its columns in any order and by any of the usual
headings. What a row says is read as the provider's own list is.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.api.outcome import Row
from pipeline.api.provider import Provider
from pipeline.errors import UsageError
from pipeline.job.files import open_regular, reason_of
from pipeline.job.problems import InvalidError, StoppedError, shown
from pipeline.job.prompts.delimited import Record, read_records
from pipeline.job.prompts.lines import lines

MOST_ROWS = 200_000

# Characters of a cell: what was sent may hold a picture. The reader's own limit is 131,072.
_LONGEST_CELL = 4 * 1024**2

# What a provider's list calls each value, and the headings that mean it, the clearest first. Case,
# spaces and all signs in headings are ignored.
_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "request_id": ("requestid", "inferenceid", "generationid", "requestuuid", "uuid", "id"),
    "model_name": ("modelname", "modelslug", "model", "slug", "endpoint"),
    "model_status": ("modelstatus", "requeststatus", "status", "state"),
    "credits_deduction": (
        "creditsdeduction", "creditdeduction", "creditsdeducted", "creditscharged", "creditsused",
        "cost", "costusd", "amount", "amountusd", "charge", "charged", "price", "credits",
    ),
    "created": (
        "modelcreated", "createdat", "created", "createdon", "datetime", "timestamp", "requestedat",
        "requesttime", "dateandtime", "datecreated", "date",
    ),
    "time": ("time", "timeutc", "createdtime"),
    "request_body": (
        "requestbody", "parameters", "params", "inputparameters", "inputs", "input", "body",
        "payload", "request",
    ),
    "generation_url": (
        "generationurl", "outputurl", "mediaurl", "resulturl", "output", "outputs", "url", "media",
        "result",
    ),
    "error": ("error", "errormessage", "failurereason", "errordetail"),
}  # fmt: skip
_SIGNS = re.compile(r"[\W_]+")
_AMOUNT = re.compile(
    r"[-+]?[^\w.,+-]*([0-9][0-9.,]*)\s*(?:usd|us\$|dollars?|credits?)?", re.IGNORECASE
)
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]{1,2}|[0-9]+,[0-9]{4,}|0,[0-9]+")
_STATES = {
    **dict.fromkeys(("completed", "complete", "success", "succeeded", "successful", "done", "ok",
                     "finished", "200"), "COMPLETED"),
    **dict.fromkeys(("failed", "failure", "fail", "error", "errored"), "FAILED"),
}  # fmt: skip


def read_usage(path: Path, provider: Provider) -> list[Row]:
    """Read a CSV or TSV file of requests; rows without an id, such as totals, are passed over.

    Raises:
        UsageError: it cannot be read, with its line, or it is not a list of requests.
    """
    try:
        with _long_cells(), open_regular(path) as file:
            is_tsv = path.suffix.casefold() == ".tsv"
            records = read_records(lines(file), is_tsv=is_tsv)
            return list(_rows(records, provider))
    except StoppedError as error:
        raise UsageError(f"{path}:{error.line}: {error.message}", hint=error.hint) from None
    except InvalidError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {reason_of(error)}") from None


@contextmanager
def _long_cells() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _rows(records: Iterator[Record], provider: Provider) -> Iterator[Row]:
    header = next(records, None)
    if header is None or not any(header.cells):
        raise StoppedError(1, "the file is empty", "its first row names the columns")
    columns = _columns(header)
    for number, record in enumerate(records, 1):
        if number > MOST_ROWS:
            raise StoppedError(record.line, f"there are more than {MOST_ROWS:,} rows")
        if any(record.cells[len(header.cells) :]):
            message = f"the row has {len(record.cells)} cells, the header {len(header.cells)}"
            raise StoppedError(record.line, message, "quote a cell that contains the delimiter")
        if not (fields := _fields(record.cells, columns)).get("request_id"):
            continue
        row = provider.read_row(fields)
        if row is None:
            message = f"{shown(fields['request_id'])} is not a valid request id"
            raise StoppedError(record.line, message)
        yield row


def _columns(header: Record) -> dict[str, int]:
    """Find which column holds what.

    Raises:
        StoppedError: the one of the requests' ids is missing, or one heading stands twice.
    """
    folded = [_SIGNS.sub("", name).casefold() for name in header.cells]
    found: dict[str, int] = {}
    for name, headings in _HEADINGS.items():
        heading = next((one for one in headings if one in folded), None)
        if heading is None:
            continue
        if folded.count(heading) > 1:
            raise StoppedError(header.line, f"two columns are called {shown(heading)}")
        found[name] = folded.index(heading)
    if "request_id" not in found:
        names = ", ".join(map(shown, header.cells[:8]))
        raise StoppedError(
            header.line,
            f"no column has the ids of requests: the columns are {names}",
            'call that column "request id"; also read are model, status, cost, created, request'
            " body, url and error",
        )
    return found


def _fields(cells: Sequence[str], columns: Mapping[str, int]) -> dict[str, str]:
    """Take the cells of a row, by the names that the provider's list uses."""
    fields = {
        name: cells[place] for name, place in columns.items() if place < len(cells) and cells[place]
    }
    if "created" in fields and (clock := fields.pop("time", "")):
        fields["created"] += f" {clock}"
    amount = _amount(fields.pop("credits_deduction", ""))
    if amount is not None:
        fields["credits_deduction"] = amount
    state = fields.get("model_status", "").strip().casefold()
    if state in _STATES:
        fields["model_status"] = _STATES[state]
    elif not state and "model_status" not in columns and (amount or "").strip("0."):
        fields["model_status"] = "COMPLETED"  # a list of charges
    return fields


def _amount(text: str) -> str | None:
    """Read an amount as people see it, such as `$0.95` or `-0,95 USD`; None where it is none."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return None
    digits = match[1]
    if _DECIMAL_COMMA.fullmatch(digits):
        return digits.replace(",", ".")
    return digits.replace(",", "") if re.fullmatch(r"[0-9,]+(\.[0-9]+)?", digits) else None

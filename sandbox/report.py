"""The books as tests read them: plain JSON, amounts as decimal strings, times in Unix seconds."""

from typing import Any

from sandbox.books import Books, Entry, plain


def report(books: Books) -> dict[str, Any]:
    """Write the books out."""
    return {
        "posts": sum(1 for _ in books.entries),
        "in_flight": books.in_flight,
        "peak_in_flight": books.peak_in_flight,
        "at_work": books.at_work,
        "peak_at_work": books.peak_at_work,
        "balance": plain(books.balance),
        "charged": plain(books.charged),
        "charges": [_charge_of(entry) for entry in books.paid],
        "requests": [_request_of(entry, books) for entry in books.entries],
        "questions": dict(books.questions),
        "hosts": {
            host: {"requests": without + keyed, "with_key": keyed}
            for host in dict.fromkeys(host for host, _ in books.hosts)
            for without, keyed in [(books.hosts[host, False], books.hosts[host, True])]
        },
        "keys_at_media": [
            {"path": seen.path, "header": seen.header, "at": seen.at} for seen in books.keys_seen
        ],
    }


def _charge_of(entry: Entry) -> dict[str, Any]:
    return {
        "request_id": entry.request_id,
        "listed_id": entry.listed,
        "model": entry.model,
        "params": entry.params,
        "price": None if entry.price is None else plain(entry.price),
        "at": entry.charged_at,
        "status": entry.status,
    }


def _request_of(entry: Entry, books: Books) -> dict[str, Any]:
    """Write a request: `status` is how its POST ended, `state` how its generation stands."""
    state = "PENDING" if entry.is_running else entry.state
    return {
        "request_id": entry.request_id,
        "listed_id": entry.listed if entry.begun is not None else None,
        "wire": entry.wire,
        "key": entry.key,
        "model": entry.model,
        "prompt": entry.params.get("prompt"),
        "params": entry.params,
        "status": entry.status,
        "state": state,
        "error": entry.error,
        "price": None if entry.price is None else plain(entry.price),
        "polls": entry.polls,
        "fetches": books.fetches[entry.listed],
        "arrived": entry.arrived,
        "finished": entry.finished,
        "done": entry.done,
    }

"""Where in the life of a request a run is killed, by name."""

from enum import StrEnum


class Point(StrEnum):
    """A place where a run dies, in the order of a request's life."""

    UNCLAIMED = "before the claim"
    CLAIMED = "claim written, nothing sent"
    NOTED = "sending noted, no byte written"
    WRITTEN = "request written, no answer"
    HEAD = "head of the answer arrived"
    HALF_BODY = "half of the body arrived"
    ID_RECEIVED = "id received, not durable"
    ID_DURABLE = "id durable, not asked for"
    POLLING = "between polls"
    HALF_FETCHED = "half of the output fetched"
    COMPLETED = "output completed, not placed"
    PLACED = "output placed, not recorded"
    HALF_RECORD = "half of the record written"
    RECORDED = "record written, claim still there"
    # Of a run that looks for what an earlier one has left.
    LISTING = "list not yet asked"
    LISTED = "list read, nothing written"
    # Of the end of a run that renders what is done.
    REPORTING = "report not in place"
    FORGETTING = "what was asked for not forgotten"


_FIRST = (Point.UNCLAIMED, Point.CLAIMED, Point.NOTED, Point.WRITTEN)
_LAST = (Point.COMPLETED, Point.PLACED, Point.HALF_RECORD, Point.RECORDED)
_WAITING = (Point.ID_DURABLE, Point.POLLING, Point.HALF_FETCHED)

OF_V1 = (*_FIRST, Point.HEAD, Point.HALF_BODY, *_LAST)
"""Where the answer of a call is its output."""

OF_V2 = (*_FIRST, Point.ID_RECEIVED, *_WAITING, *_LAST)
"""Where it is an id."""

OF_RECOVERY = (Point.LISTING, Point.LISTED, *_WAITING, *_LAST)
"""In a run that goes on after another; it need not come to any of them."""

OF_AGAIN = (
    *(Point.CLAIMED, Point.WRITTEN, Point.PLACED, Point.RECORDED),
    *(Point.REPORTING, Point.FORGETTING),
)
"""In a run with `--again`, the end of its command included."""

LOST = frozenset({Point.NOTED, Point.WRITTEN, Point.HEAD, Point.HALF_BODY, Point.ID_RECEIVED})
"""After a kill here, only a list of requests can say what came of the request."""

"""What went wrong with a connection, in words for people; and what does not pass by itself."""

import os
import re
import socket
import ssl
from collections.abc import Iterator

import httpx

_OF_HOW_MANY = re.compile(r"received (\d+) bytes, expected (\d+)")

_HEADS: dict[type[Exception], str] = {
    httpx.ProxyError: "the proxy gave no tunnel to {}",
    httpx.ConnectTimeout: "connecting to {} timed out",
    httpx.ConnectError: "no connection to {}",
}


def explain(error: Exception, where: str) -> str:
    """Say what happened, to whom (`where` is host and port), and why."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {where} is not trusted: {cause.verify_message}"
        if isinstance(cause, socket.gaierror):
            return f"the name of {where} was not found: {cause.strerror}"
    why = next(
        (said for cause in causes if (said := _reason(cause))), str(error) or "it was closed"
    )
    if isinstance(error, httpx.RemoteProtocolError):
        return _broken_off(str(error), where)
    for kind, head in _HEADS.items():
        if isinstance(error, kind):
            return f"{head.format(where)}: {why}"
    return f"the connection to {where} broke: {why}"


def lasts(error: Exception, *, loopback: bool) -> bool:
    """Whether waiting does not help: a certificate, an unknown name, nothing listening here."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError)
        or (isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME)
        or (isinstance(cause, ConnectionRefusedError) and loopback)
        or (isinstance(cause, httpx.ProxyError) and str(cause).startswith("407"))
        for cause in _causes(error)
    )


def _broken_off(said: str, where: str) -> str:
    if "without sending a response" in said:
        return f"{where} closed the connection without an answer"
    if counts := _OF_HOW_MANY.search(said):
        return f"{where} closed the connection after {counts[1]} of {counts[2]} bytes"
    if "peer closed" in said or "incomplete" in said:
        return f"{where} closed the connection before the end of the answer"
    return f"{where} sent something that is not HTTP: {said}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came of, from the outside in."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
        waiting += [inner for inner in (cause.__cause__, cause.__context__) if inner]


def _reason(cause: BaseException) -> str:
    """Find the words of one cause; those of a cancelled wait say nothing to anybody."""
    if isinstance(cause, ssl.SSLError):
        return (cause.reason or str(cause)).replace("_", " ").lower()
    if isinstance(cause, OSError) and cause.errno:  # the loop has words of its own, with tuples
        return os.strerror(cause.errno)
    return ""

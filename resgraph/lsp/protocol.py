"""Messages of an editor → those that the server can answer; each other request gets the error that
LSP has for it.

pygls leaves a request without an answer where its params are no params, and after a shutdown, and
says "internal error" before `initialize`."""

from __future__ import annotations

from typing import Any

from lsprotocol.types import EXIT, INITIALIZE
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol

from ..structs import Frozen


class Unread(Frozen):
    """A message that is none of the protocol's."""

    data: dict[str, Any]
    why: JsonRpcException


class Protocol(LanguageServerProtocol):
    """JSON-RPC as LSP wants it."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message, or `Unread`; what is within a message comes here too."""
        asks = {"jsonrpc", "method", "id"} <= data.keys()
        try:
            if asks:
                _need_envelope(data)
            found = super().structure_message(data)
            if asks and not hasattr(found, "id"):
                raise JsonRpcInvalidRequest(
                    f"`{data['method']}` is a notification, which has no `id`"
                )
            return found
        except JsonRpcException as problem:
            return Unread(data, problem)

    def handle_message(self, message: Any) -> None:
        """Answer, or refuse, in the order of the protocol's life: initialize, requests, shutdown,
        exit."""
        if isinstance(message, Unread):
            if "method" in message.data and "id" in message.data:
                self.refuse(message.data["id"], message.why)
            return
        if not hasattr(message, "jsonrpc"):
            self.refuse(
                None,
                JsonRpcInvalidRequest(
                    "a message is one object with `jsonrpc`"
                ),
            )
            return
        problem = self._untimely(getattr(message, "method", EXIT))
        if problem is None:
            super().handle_message(message)
        elif hasattr(message, "id"):
            self.refuse(message.id, problem)

    @property
    def ended(self) -> bool:
        """Whether the editor asked to shut down."""
        return self._shutdown

    def _untimely(self, method: str) -> JsonRpcException | None:
        """Why a message cannot be answered now; an answer and `exit` may come at any time."""
        if method == EXIT:
            return None
        if self._shutdown:
            return JsonRpcInvalidRequest(
                "the server is shut down; all that it waits for is `exit`"
            )
        if self._workspace is None and method != INITIALIZE:
            return JsonRpcServerNotInitialized(
                f"`{INITIALIZE}` comes before `{method}`"
            )
        if self._workspace is not None and method == INITIALIZE:
            return JsonRpcInvalidRequest(f"`{INITIALIZE}` comes once")
        return None

    def refuse(self, number: object, why: JsonRpcException) -> None:
        """Answer a request with an error; null stands for the number of one that cannot be read."""
        known = number if isinstance(number, int | str) else None
        error = {"code": why.code, "message": why.message or str(why)}
        self._send_data(
            {"jsonrpc": self.VERSION, "id": known, "error": error}
        )

    def unparsed(self) -> None:
        """Answer what is no JSON."""
        self.refuse(None, JsonRpcParseError())


def _need_envelope(request: dict[str, Any]) -> None:
    """Raises `JsonRpcInvalidRequest` where a request is of another protocol, names no method, or
    has no number to be answered by."""
    if (
        request["jsonrpc"] != Protocol.VERSION
        or not isinstance(request["method"], str)
        or not isinstance(request["id"], int | str)
    ):
        raise JsonRpcInvalidRequest(
            f'a request has `"jsonrpc": "{Protocol.VERSION}"`, a text as its `method`, and a number'
            " or a text as its `id`"
        )

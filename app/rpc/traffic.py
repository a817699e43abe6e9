"""The call of a gRPC request while a version is tried."""

from dataclasses import replace

from app.oip.data_plane import InferCall
from app.rpc.methods import Call
from app.traffic.traffic import Traffic


def from_caller(call: InferCall, request: Call, traffic: Traffic) -> InferCall:
    """Return a call with its caller, if a version is tried and the call asks for none.

    Args:
        call: The call.
        request: The gRPC call.
        traffic: Knows which versions are tried.
    """
    rollouts = traffic.current
    if rollouts is None or call.version is not None:
        return call
    key_id = request.principal.id if request.principal else ""
    return replace(call, caller=rollouts.call(request.request_id.encode(), key_id, request.fields.get))

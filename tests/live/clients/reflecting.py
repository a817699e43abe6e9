"""A client that knows nothing beforehand, as grpcurl: asks the server by reflection what there is, then calls it.

`python -m tests.live.clients.reflecting call` reads ``{"url", "key", "method", "request"}``; it prints the services
and the answer.
"""

import json
import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main() -> None:
    """Ask and call."""
    asked = json.load(sys.stdin)
    with grpc.insecure_channel(asked["url"]) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        service, _, name = asked["method"].rpartition("/")
        method = DescriptorPool(database).FindServiceByName(service).methods_by_name[name]
        request = ParseDict(asked["request"], GetMessageClass(method.input_type)())
        call = channel.unary_unary(
            f"/{asked['method']}", response_deserializer=GetMessageClass(method.output_type).FromString
        )
        answer = call(request.SerializeToString(), metadata=(("x-api-key", asked["key"]),), timeout=20)
        print(json.dumps({"services": [*database.get_services()], "answer": MessageToDict(answer)}))


main()

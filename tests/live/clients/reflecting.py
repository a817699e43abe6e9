"""A client without proto files, like grpcurl: it discovers the services by reflection, then calls a method.

`python -m tests.live.clients.reflecting call` reads ``{"url", "key", "method", "request"}`` from stdin and prints the
services and the response.
"""

import json
import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main() -> None:
    """Discover the method, call it and print the response."""
    arguments = json.load(sys.stdin)
    with grpc.insecure_channel(arguments["url"]) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        service, _, name = arguments["method"].rpartition("/")
        method = DescriptorPool(database).FindServiceByName(service).methods_by_name[name]
        request = ParseDict(arguments["request"], GetMessageClass(method.input_type)())
        call = channel.unary_unary(
            f"/{arguments['method']}", response_deserializer=GetMessageClass(method.output_type).FromString
        )
        answer = call(request.SerializeToString(), metadata=(("x-api-key", arguments["key"]),), timeout=20)
        print(json.dumps({"services": [*database.get_services()], "answer": MessageToDict(answer)}))


main()

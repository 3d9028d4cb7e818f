"""The provider's process: Terraform's plugin protocol 6 over a unix socket, to be attached to.

    STUB_SCHEMA=schema-8.json python -m tests.terraform.stub.provider

prints the value of TF_REATTACH_PROVIDERS and serves until its standard input ends or SIGTERM.
"""

# ruff: noqa: N802 -- the names of the methods are the protocol's

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import msgpack  # type: ignore[import-not-found] # installed in .venv-tf only
from tf.gen import grpc_controller_pb2 as controller_pb  # type: ignore[import-not-found] # installed in .venv-tf only
from tf.gen import grpc_controller_pb2_grpc as controller_rpc
from tf.gen import grpc_stdio_pb2_grpc as stdio_rpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from tests.terraform.stub import planning, schema
from tests.terraform.stub.values import Cloud

_THREADS = 16
_LARGEST_MESSAGE = 1 << 28


def _read(value: Any) -> Any:
    if value.msgpack:
        return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False)
    return json.loads(value.json) if value.json else None


def _written(value: object) -> Any:
    return pb.DynamicValue(msgpack=msgpack.packb(value))


def _attribute_path(path: planning.Path) -> Any:
    steps = [
        pb.AttributePath.Step(attribute_name=step)
        if isinstance(step, str)
        else pb.AttributePath.Step(element_key_int=step)
        for step in path
    ]
    return pb.AttributePath(steps=steps)


class Provider(rpc.ProviderServicer):  # type: ignore[misc] # generated, without types
    """Answers terraform; keeps nothing, for terraform keeps the state."""

    def __init__(self) -> None:
        provider = schema.load()
        self._resources: dict[str, Any] = provider["resource_schemas"]
        self._sources: dict[str, Any] = provider["data_source_schemas"]
        self._cloud = Cloud()
        self._schema = pb.GetProviderSchema.Response(
            provider=schema.to_protocol(provider["provider"]),
            provider_meta=pb.Schema(block=pb.Schema.Block()),
            resource_schemas={name: schema.to_protocol(entry) for name, entry in self._resources.items()},
            data_source_schemas={name: schema.to_protocol(entry) for name, entry in self._sources.items()},
            server_capabilities=pb.ServerCapabilities(get_provider_schema_optional=True),
        )

    def GetProviderSchema(self, _request: Any, _context: Any) -> Any:
        return self._schema

    def ValidateProviderConfig(self, _request: Any, _context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request: Any, _context: Any) -> Any:
        given = _read(request.config) or {}
        texts = {name: value for name, value in given.items() if isinstance(value, str)}
        self._cloud = Cloud(texts.get("project"), texts.get("region"))
        return pb.ConfigureProvider.Response()

    def ValidateResourceConfig(self, request: Any, _context: Any) -> Any:
        return pb.ValidateResourceConfig.Response(diagnostics=self._diagnostics(request, self._resources))

    def ValidateDataResourceConfig(self, request: Any, _context: Any) -> Any:
        return pb.ValidateDataResourceConfig.Response(diagnostics=self._diagnostics(request, self._sources))

    def UpgradeResourceState(self, request: Any, _context: Any) -> Any:
        state = pb.DynamicValue(json=request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request: Any, _context: Any) -> Any:
        return pb.ReadResource.Response(new_state=request.current_state, private=request.private)

    def PlanResourceChange(self, request: Any, _context: Any) -> Any:
        kind, new, prior = request.type_name, _read(request.proposed_new_state), _read(request.prior_state)
        if new is None:
            return pb.PlanResourceChange.Response(planned_state=request.proposed_new_state)
        given = _read(request.config)
        anew = planning.replacements(kind, given, prior, new) if prior is not None else []
        return pb.PlanResourceChange.Response(
            planned_state=_written(planning.planned(self._resources[kind]["block"], given, new)),
            requires_replace=[_attribute_path((name,)) for name in anew],
            legacy_type_system=True,
        )

    def ApplyResourceChange(self, request: Any, _context: Any) -> Any:
        kind, planned = request.type_name, _read(request.planned_state)
        if planned is None:
            return pb.ApplyResourceChange.Response(new_state=request.planned_state)
        made = self._cloud.filled(kind, self._resources[kind]["block"], planned)
        return pb.ApplyResourceChange.Response(new_state=_written(made), legacy_type_system=True)

    def ReadDataSource(self, request: Any, _context: Any) -> Any:
        kind, given = request.type_name, _read(request.config)
        block = self._sources[kind]["block"]
        found = self._cloud.filled(kind, block, planning.planned(block, given, given))
        return pb.ReadDataSource.Response(state=_written(found))

    def GetFunctions(self, _request: Any, _context: Any) -> Any:
        return pb.GetFunctions.Response()

    def StopProvider(self, _request: Any, _context: Any) -> Any:
        return pb.StopProvider.Response()

    def _diagnostics(self, request: Any, schemas: dict[str, Any]) -> list[Any]:
        block = schemas[request.type_name]["block"]
        found = planning.faults(request.type_name, block, _read(request.config))
        error = pb.Diagnostic.ERROR
        return [pb.Diagnostic(severity=error, summary=text, attribute=_attribute_path(path)) for text, path in found]


class Controller(controller_rpc.GRPCControllerServicer):  # type: ignore[misc] # generated, without types
    """Terraform says that it is done; the next one may come, so the process stays."""

    def Shutdown(self, _request: Any, _context: Any) -> Any:
        return controller_pb.Empty()


class Stdio(stdio_rpc.GRPCStdioServicer):  # type: ignore[misc] # generated, without types
    """No output. An empty stream, because an open one would hold a thread per connection."""

    def StreamStdio(self, _request: Any, _context: Any) -> Iterator[Any]:
        return iter(())


def main() -> None:
    """Serve until standard input ends: with the process that started this one."""
    limits = [(f"grpc.max_{way}_message_length", _LARGEST_MESSAGE) for way in ("receive", "send")]
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS), options=limits)
    rpc.add_ProviderServicer_to_server(Provider(), server)
    controller_rpc.add_GRPCControllerServicer_to_server(Controller(), server)
    stdio_rpc.add_GRPCStdioServicer_to_server(Stdio(), server)
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/socket"
        server.add_insecure_port(f"unix://{socket}")
        server.start()
        address = {"Network": "unix", "String": socket}
        attach = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
        print(json.dumps({"hashicorp/google": attach}), flush=True)  # noqa: T201 -- a command's output
        sys.stdin.read()
        server.stop(grace=0.2).wait()


if __name__ == "__main__":
    main()

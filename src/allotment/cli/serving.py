"""A policy for other programs: `serve` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allotment.cli.options import Imports, writable_file


def serve(
    policy: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a bundle.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer, each with the policy.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Requests computed side by side in each of them.")] = 4,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its token is needed for plans, metrics and docs.")
    ] = None,
    no_token: Annotated[bool, typer.Option("--no-token", help="Let other machines ask without a token.")] = False,
    allow_origin: Annotated[list[str] | None, typer.Option(metavar="ORIGIN", help="Web pages that may ask.")] = None,
    max_bytes: Annotated[int, typer.Option(min=1, help="Largest request that is read.")] = 4 * 2**20,
    max_snapshots: Annotated[int, typer.Option(min=1, help="Most snapshots in one request.")] = 256,
    max_requests: Annotated[int, typer.Option(min=1, help="Requests in flight in each worker; others come again.")] = 64,
    request_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds for a request to arrive, to get its turn, and to be taken.")
    ] = 30.0,
    grace: Annotated[int, typer.Option(min=0, help="Seconds for requests in work when the service is told to end.")] = 10,
    imports: Imports = None,
) -> None:
    """Answer snapshots with a policy's plans over HTTP; the interface is described at /docs."""
    from functools import partial

    import allotment
    from allotment.serve.access import Access, check_origins, check_reach, read_token
    from allotment.serve.limits import Limits
    from allotment.serve.server import Serving
    from allotment.serve.server import serve as serve_policy

    if token_file and no_token:
        raise ValueError("--token-file and --no-token exclude each other")
    check_origins(allow_origin or [])
    check_reach(host, anybody=no_token or token_file is not None)
    access = Access(read_token(token_file) if token_file else None, allow_origin or ())
    limits = Limits(max_bytes, max_snapshots, request_timeout, threads, max_requests)
    serving = Serving(partial(allotment.load_policy, policy), limits, access, imports or ())
    serve_policy(serving, host, port, workers, grace, typer.echo)


def export(
    policy: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a bundle of a learned policy.")],
    file: Annotated[Path, typer.Argument(help="The ONNX file to write.", callback=writable_file)],
    imports: Imports = None,
) -> None:
    """Write a learned policy as an ONNX graph, checked to answer as the policy does."""
    import allotment

    typer.echo(f"written: {allotment.export_onnx(policy, file)}")

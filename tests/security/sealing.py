"""Bundles as somebody else might seal them: made once of every kind, changed at will, and sealed anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from allotment.policies.bundle import save_bundle
from allotment.policies.encoding_config import EncodingConfig, build_encoding
from allotment.policies.external import ExternalPolicy, build_external_actor
from allotment.policies.networks import NetworkShape
from allotment.policies.sealed_folder import version_of
from allotment.scenario.external import ExternalEnvironment
from small_policies import network, rule
from small_worlds import RESIDUAL, two_shops

CARTPOLE = ExternalEnvironment("CartPole-v1", {}, inputs=4, outputs=2, choices=[2])
KINDS = ("rule", "network", "lstm", "residual", "external")


def make_bundles(folder: Path) -> None:
    """Write a small bundle of each kind."""
    world = two_shops()
    save_bundle(rule(world), folder / "rule")
    quantity = build_encoding(EncodingConfig(), world)
    save_bundle(network(world, NetworkShape("mlp", [4]), quantity), folder / "network")
    save_bundle(network(world, NetworkShape("lstm", [4], memory=3), quantity), folder / "lstm")
    corrected = rule(world, RESIDUAL["rule"])
    residual = build_encoding(EncodingConfig(name="residual"), world, corrected)
    save_bundle(network(world, NetworkShape("cells", [4]), residual), folder / "residual")
    shape = NetworkShape("mlp", [4])
    torch.manual_seed(0)
    save_bundle(ExternalPolicy("balancing", CARTPOLE, build_external_actor(shape, CARTPOLE).eval(), shape), folder / "external")


def seal(folder: Path, about: dict[str, Any]) -> None:
    """Give a bundle the digests that its files have now, and the version that is theirs."""
    named = about.get("files")
    if isinstance(named, dict):
        files = {name: digest_of(folder / name) if _is_file(folder / name) else digest for name, digest in named.items()}
        about = {**about, "files": files}
    about = {key: value for key, value in about.items() if key != "version"}
    (folder / "bundle.json").write_text(json.dumps({**about, "version": version_of(about)}), encoding="utf-8")


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def digest_of(file: Path) -> str:
    """Return a file's digest."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def change(folder: Path, changed: Callable[[dict[str, Any]], None]) -> None:
    """Change what a bundle says of itself, and seal it."""
    about = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    changed(about)
    seal(folder, about)

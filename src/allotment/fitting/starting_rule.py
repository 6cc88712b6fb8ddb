"""The rule that a learned policy starts from, which its encoding corrects or moves: tuned once, and kept in the run folder."""

from __future__ import annotations

from typing import Any

from allotment.evaluation.place import Place
from allotment.fitting.fitter import Progress
from allotment.fitting.tuning import tuned_rule
from allotment.policies.bundle import load_bundle, save_bundle
from allotment.policies.config_file import rule_config
from allotment.policies.encoding_config import EncodingConfig
from allotment.policies.rule_config import RulePolicy, build_rule
from allotment.policies.sealed_folder import is_bundle
from allotment.runs.run_folder import RunFolder
from allotment.scenario.errors import ScenarioError, shown


def starting_rule(place: Place, encoding: EncodingConfig, run: RunFolder, progress: Progress | None) -> RulePolicy | None:
    """Return the rule of an encoding, tuned, from the run folder where it lies there already; none where there is none."""
    if encoding.rule is None:
        return None
    if is_bundle(run.corrected_rule):
        kept: RulePolicy = load_bundle(run.corrected_rule, place.world)
        return kept
    name, content = _written_out(encoding)
    rule = tuned_rule(content, name, place.world, run.seed, progress)
    save_bundle(rule, run.corrected_rule)
    return rule


def untuned_rule(place: Place, encoding: EncodingConfig) -> RulePolicy | None:
    """Return the rule of an encoding as it is before it is tuned; none where there is none."""
    if encoding.rule is None:
        return None
    name, content = _written_out(encoding)
    return build_rule(rule_config(content, name), place.world, name, name)[0]


def _written_out(encoding: EncodingConfig) -> tuple[str, dict[str, Any]]:
    """Return name and config of an encoding's rule."""
    given = encoding.rule
    if not isinstance(given, dict):  # what a user's config names was written out when it was read
        raise ScenarioError(f"encoding.rule: must be written out in a run folder, not named: {shown(given)}")
    return given.get("name", "rule"), given

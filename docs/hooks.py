"""What MkDocs calls while it builds the site: pages and pictures made from the source, and tables put into pages.

A page asks for a table by a line `<!-- made: NAME -->`, where NAME stands in `MADE`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

from allotment.fitting import sections
from allotment.fitting.pathwise import config as pathwise_config
from allotment.fitting.sb3 import config as learned_config
from allotment.policies import budgets, encoding_config, protection, rule_config, tuning_config
from allotment.scenario import amounts, processes, schema, treasury_parts
from allotment.studies import study, value_study
from builders import (
    gallery,
    import_graph,
    money_table,
    movement_table,
    network_drawing,
    notebooks,
    observation_table,
    policy_table,
    public_names,
    record_table,
    schema_reference,
    studies,
)
from builders.links import within_the_site

ROOT = Path(__file__).parents[1]
MARK = re.compile(r"^<!-- made: (.+) -->$", re.MULTILINE)
FIELDS = "fields of "  # and the full path of a class
MADE: dict[str, Callable[[], str]] = {
    "world reference": lambda: schema_reference.reference(schema.Scenario, [schema, processes, amounts, treasury_parts]),
    "rule reference": lambda: schema_reference.reference(
        rule_config.RuleConfig, [rule_config, tuning_config, protection, budgets], level=3
    ),
    "learner reference": lambda: schema_reference.reference(
        learned_config.LearnedConfig, [learned_config, sections, encoding_config], level=3
    ),
    "gradient learner reference": lambda: schema_reference.reference(
        pathwise_config.PathwiseConfig, [pathwise_config, sections, encoding_config], level=3
    ),
    "study reference": lambda: schema_reference.reference(study.Study, [study], level=3),
    "value study reference": lambda: schema_reference.reference(value_study.ValueStudy, [value_study], level=3),
    "observation groups": observation_table.table,
    "money terms": money_table.table,
    "columns of movements": movement_table.columns,
    "kinds of movements": movement_table.kinds,
    "overview of worlds": gallery.overview,
    "worlds": gallery.gallery,
    "known values": gallery.known_values,
    "rules": policy_table.rules,
    "shipped policies": policy_table.shipped,
    "packages": lambda: import_graph.table(import_graph.imports()),
    "studies": lambda: studies.overview(study_readmes()),
    "public functions": public_names.table,
    "public reference": public_names.reference,
}


def study_readmes() -> list[Path]:
    """Return the studies' accounts of themselves."""
    return sorted((ROOT / "experiments").glob("*/README.md"))


def notebook_files() -> list[Path]:
    """Return the notebooks in the order in which they are to be read."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def made_files() -> dict[str, str | bytes]:
    """Return the content of every page and picture that is made whole, by its path in the site's sources."""
    made: dict[str, str | bytes] = {f"worlds/{name}": content for name, content in gallery.pictures().items()}
    made["architecture.svg"] = network_drawing.as_svg(import_graph.picture(import_graph.imports()))
    made["benchmarks.md"] = within_the_site((ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8"), depth=0)
    made |= {f"experiments/{readme.parent.name}.md": studies.page(readme) for readme in study_readmes()}
    for notebook in notebook_files():
        page = notebooks.page(notebook)
        made[f"tutorial/{notebook.stem}.md"] = page.text
        made |= {f"tutorial/{name}": picture for name, picture in page.pictures.items()}
    return made


def filled(markdown: str) -> str:
    """Return a page with the tables that it asks for; an unknown name is an error."""

    def made(found: re.Match[str]) -> str:
        if found[1].startswith(FIELDS):
            return record_table.table(found[1].removeprefix(FIELDS))
        if found[1] not in MADE:
            raise LookupError(f"nothing is made under the name {found[1]!r}; there are {', '.join(MADE)}")
        return MADE[found[1]]()

    return MARK.sub(made, markdown)


def navigation(nav: list[Any]) -> list[Any]:
    """Return the site's table of contents with notebooks and studies where there are any."""
    members = {
        "Tutorial": [f"tutorial/{notebook.stem}.md" for notebook in notebook_files()],
        "Experiments": [f"experiments/{readme.parent.name}.md" for readme in study_readmes()],
    }
    shown = []
    for entry in nav:
        ((title, target),) = entry.items()
        full = [*(target if isinstance(target, list) else []), *members[title]] if title in members else target
        shown += [{title: full}] if full else []
    return shown


def on_config(config: Any) -> Any:
    """Complete the table of contents."""
    config.nav = navigation(config.nav)
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add what is made whole."""
    for path, content in made_files().items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the tables into a page."""
    return filled(markdown)

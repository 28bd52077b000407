"""`lienthong policy`: which policies there are, and which of them decide a question.

Works without a stack: the policies are those of the repository, the hierarchy of agencies that of
a registry file.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cedarpy

from functions.shared.adapters.policies import FRAME, TYPE_OF_KIND, CedarPolicies
from functions.shared.core.access import Action, Caller, Errand, Question, Role, Ruling
from functions.shared.core.groups import GROUPS, groups_of
from functions.shared.core.kinds import KINDS
from functions.shared.core.purposes import PURPOSES, problem_with
from infra.lienthong.console import Console, Json, add_options, markup
from infra.lienthong.problems import Exit, Misuse

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "infra" / "policies"
SCHEMA: Final = FOLDER / "schema.cedarschema"
REGISTRY: Final = ROOT / "infra" / "reference" / "registry.ndjson"
_POLICY: Final = re.compile(r"^@id\(.*?;$", re.MULTILINE | re.DOTALL)

Parsers = argparse._SubParsersAction  # argparse has no public name for it


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it is written: its file, what it says in a sentence, why, and its text."""

    id: str
    file: str
    effect: str
    title: str
    source: str
    text: str

    def as_json(self) -> dict[str, Json]:
        """The policy as a JSON object."""
        return {
            "id": self.id,
            "effect": self.effect,
            "title": self.title,
            "source": self.source,
            "file": self.file,
            "text": self.text,
        }


def policies_of(texts: Mapping[str, str]) -> list[Policy]:
    """The policies of some files (name -> text), in the order in which they are written."""
    found = []
    for name, whole in texts.items():
        for text in _POLICY.findall(whole):
            [policy] = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
            said = policy["annotations"]
            found.append(
                Policy(said["id"], name, policy["effect"], said["title"], said["source"], text)
            )
    return found


def texts() -> dict[str, str]:
    """The files of the repository, by name: what holds for everybody first."""
    paths = sorted(FOLDER.glob("*.cedar"), key=lambda path: (path.stem != "everybody", path.stem))
    return {path.name: path.read_text("utf-8") for path in paths}


@dataclass(frozen=True, slots=True)
class Explained:
    """A question, its ruling, and what there is to say of it.

    `of` are the agencies as they were given, without those above. `others` are the roles and
    purposes that are permitted the same, each role alone.
    """

    caller: Caller
    errand: Errand
    question: Question
    of: Sequence[str]
    ruling: Ruling
    deciding: Sequence[Policy]
    others: Sequence[tuple[Role, str]]


def add_parser(commands: Parsers[argparse.ArgumentParser]) -> None:
    """`policy explain` and `policy list`."""
    parser = commands.add_parser(
        "policy",
        help="which policy decides who may see or do what",
        description="Who may see and do what: the policies, and which of them decide a question.",
    )
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    _add_explain(what)
    listing = what.add_parser("list", help="all policies: what each says, and why")
    listing.set_defaults(run=run_list)
    for sub in what.choices.values():
        add_options(sub, below=True)


def _add_explain(what: Parsers[argparse.ArgumentParser]) -> None:
    explain = what.add_parser(
        "explain",
        help="whether somebody may do something, and which policies say so",
        description="Whether a caller may do something, and the policies that decide it.",
        epilog="Exit codes: 0 permitted; 1 refused; 2 wrong use.",
    )
    explain.add_argument(
        "--as",
        dest="roles",
        type=_roles,
        required=True,
        metavar="ROLE,...",
        help=f"what the caller is: {', '.join(Role)}",
    )
    explain.add_argument("--agency", default="H26", metavar="ID", help="the caller's agency (H26)")
    explain.add_argument(
        "--above",
        action="append",
        metavar="ID",
        help="an agency above the caller's, the nearest first (as the registry has them)",
    )
    explain.add_argument(
        "--action",
        type=Action,
        choices=list(Action),
        required=True,
        metavar="ACTION",
        help=f"one of {', '.join(Action)}",
    )
    explain.add_argument(
        "--resource",
        type=_resource,
        required=True,
        metavar="KIND[/GROUP]",
        help=f"one of {', '.join(TYPE_OF_KIND)}; of a record its group: {', '.join(GROUPS)}",
    )
    explain.add_argument(
        "--of",
        action="append",
        default=[],
        metavar="ID",
        help="an agency that it belongs to: a dossier's, an event's, a refused message's",
    )
    explain.add_argument("--purpose", choices=list(PURPOSES), metavar="PURPOSE", help="X-Purpose")
    explain.add_argument("--case", metavar="TEXT", help="X-Case")
    explain.add_argument(
        "--registry",
        type=Path,
        default=REGISTRY,
        metavar="FILE",
        help="registry events that say which agency is above which (the reference registry)",
    )
    explain.set_defaults(run=run_explain)


def _roles(text: str) -> frozenset[Role]:
    try:
        return frozenset(map(Role, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"choose of {', '.join(Role)}, commas between") from None


def _resource(text: str) -> tuple[str, str | None]:
    kind, slash, group = text.partition("/")
    if kind not in TYPE_OF_KIND:
        raise argparse.ArgumentTypeError(f"its kind is one of {', '.join(TYPE_OF_KIND)}")
    groups = groups_of(kind) if kind in KINDS else GROUPS if kind == "quarantine" else ()
    if slash and group not in groups:
        has = f"one of {', '.join(groups)}" if groups else "none"
        raise argparse.ArgumentTypeError(f"the group of a {kind} is {has}")
    return kind, group if slash else None


# Explaining ---------------------------------------------------------------------------------


def run_explain(options: argparse.Namespace, console: Console) -> Exit:
    """Say whether it is permitted, and show the policies that decide."""
    kind, group = options.resource
    if options.action is Action.READ and group is None and kind in KINDS:
        raise Misuse(
            f"Records are read group by group: give --resource {kind}/GROUP with one of"
            f" {', '.join(groups_of(kind))}."
        )
    if options.case is not None and options.purpose is not None:
        problem = problem_with(options.purpose, options.case)
        if problem is not None:
            raise Misuse(problem)
    above = _Above(options.registry)
    caller = Caller(
        "explained",
        "explained",
        options.agency,
        tuple(options.above) if options.above else above(options.agency),
        options.roles,
    )
    errand = Errand(options.purpose or "", options.case, "explained")
    agencies = frozenset(name for id_ in options.of for name in (id_, *above(id_)))
    question = Question(options.action, kind, group, agencies)

    written = texts()
    policies = CedarPolicies(written.values(), SCHEMA.read_text("utf-8"))
    [ruling] = policies.rule(caller, errand, [question])
    by_id = {policy.id: policy for policy in policies_of(written)}
    deciding = [by_id[rule] for rule in ruling.rules if rule in by_id]
    others = [] if ruling.allowed else _permitted_to(policies, caller, question)
    explained = Explained(caller, errand, question, options.of, ruling, deciding, others)
    if console.as_json:
        console.document(_document(explained))
    else:
        _tell(console, explained)
    return Exit.OK if ruling.allowed else Exit.FINDINGS


class _Above:
    """The agencies above one, by the registry events of a file."""

    def __init__(self, file: Path) -> None:
        try:
            lines = file.read_text("utf-8").splitlines()
            events = [json.loads(line) for line in lines if line.strip()]
            self._parents = {
                event["subject"]: event["data"].get("parent")
                for event in events
                if "parent" in event["data"] or event["type"].endswith(".registered.v1")
            }
        except OSError:
            raise Misuse(f"The registry {file} cannot be read. Check its name.") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Misuse(
                f"The registry {file} is not one event of an agency in each line. Check the file."
            ) from None
        self._file = file

    def __call__(self, id_: str) -> tuple[str, ...]:
        if id_ not in self._parents:
            raise Misuse(
                f"{self._file.name} has no agency {id_}. Check the id, or name another registry"
                " with --registry."
            )
        found: dict[str, None] = {}
        parent = self._parents[id_]
        while parent is not None and parent != id_ and parent not in found:
            found[parent] = None
            parent = self._parents.get(parent)
        return tuple(found)


def _permitted_to(
    policies: CedarPolicies, caller: Caller, question: Question
) -> list[tuple[Role, str]]:
    """The roles and purposes that would be permitted the same, alone and with a case."""
    return [
        (role, purpose)
        for role in Role
        for purpose in PURPOSES
        if policies.rule(
            Caller(caller.id, caller.name, caller.agency, caller.above, frozenset({role})),
            Errand(purpose, "case", "explained"),
            [question],
        )[0].allowed
    ]


def _asked(explained: Explained) -> str:
    """The question as a line."""
    caller, errand, question = explained.caller, explained.errand, explained.question
    what = question.kind + (f"/{question.group}" if question.group else "")
    whose = f" of {', '.join(explained.of)}" if explained.of else ""
    purpose = f"for {errand.purpose}" if errand.purpose else "without a purpose"
    case = f" in case {errand.case}" if errand.case else ""
    roles = " and ".join(sorted(caller.roles))
    return f"{roles} of {caller.agency}, {purpose}{case}: {question.action} {what}{whose}"


def _tell(console: Console, explained: Explained) -> None:
    ruling, deciding = explained.ruling, explained.deciding
    decision = "[bold green]permitted[/]" if ruling.allowed else "[bold red]refused[/]"
    console.say(f"{decision}  {markup(_asked(explained))}")
    if ruling.rules and not deciding:
        console.say("\nThe question cannot be evaluated, so it is refused.")
    elif not deciding:
        console.say("\nNo policy permits it, so it is refused.")
    for policy in deciding:
        console.heading(policy.id)
        console.say(markup(policy.title))
        console.say(f"[dim]{markup(policy.source)} (infra/policies/{markup(policy.file)})[/]")
        for line in policy.text.splitlines():
            if not line.startswith("@"):
                console.say(f"  {markup(line)}")
    if explained.others:
        console.heading("Permitted to")
        for role, code in explained.others:
            purpose = PURPOSES[code]
            needs = f", with {purpose.case}" if purpose.needs_case else ""
            console.say(f"{role} for {code}{needs}")


def _document(explained: Explained) -> dict[str, Json]:
    caller, errand, question = explained.caller, explained.errand, explained.question
    return {
        "decision": "permitted" if explained.ruling.allowed else "refused",
        "rules": list(explained.ruling.rules),
        "asked": {
            "roles": [str(role) for role in sorted(caller.roles)],
            "agency": caller.agency,
            "above": list(caller.above),
            "action": str(question.action),
            "kind": question.kind,
            "group": question.group or FRAME,
            "agencies": [*sorted(question.agencies)],
            "purpose": errand.purpose or None,
            "case": errand.case,
        },
        "policies": [policy.as_json() for policy in explained.deciding],
        "permitted_to": [
            {"role": str(role), "purpose": purpose} for role, purpose in explained.others
        ],
    }


# Listing ------------------------------------------------------------------------------------


def run_list(options: argparse.Namespace, console: Console) -> Exit:
    """Name every policy, file by file."""
    del options
    policies = policies_of(texts())
    if console.as_json:
        console.document({"policies": [policy.as_json() for policy in policies]})
        return Exit.OK
    for file in dict.fromkeys(policy.file for policy in policies):
        console.heading(f"infra/policies/{file}")
        console.table(
            ("policy", "", "says"),
            (
                (markup(policy.id), policy.effect, markup(policy.title))
                for policy in policies
                if policy.file == file
            ),
        )
    return Exit.OK

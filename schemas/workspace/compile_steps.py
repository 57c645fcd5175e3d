"""What a journey's steps say, with their names checked."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from schemas.action import Category
from schemas.workspace.compile_messages import check_send
from schemas.workspace.compile_sources import Sources
from schemas.workspace.condition import Condition
from schemas.workspace.conditions import Scope, compile_condition
from schemas.workspace.place import Place
from schemas.workspace.step_files import (
    STEP,
    AwaitedConditionFile,
    AwaitedEventFile,
    BranchFile,
    ExitFile,
    MomentFile,
    SendFile,
    SplitFile,
    UpdateFile,
    WaitFile,
    WaitForFile,
    WaitUntilFile,
)
from schemas.workspace.steps import (
    Arm,
    Branch,
    Exit,
    Send,
    Share,
    Split,
    Step,
    Update,
    Wait,
    WaitFor,
    WaitUntilField,
    WaitUntilLocal,
)
from schemas.workspace.vocabulary import Vocabulary

_MOMENTS = ("timestamp", "date")


def compile_steps(
    place: Place, events: tuple[str, ...] | None, vocabulary: Vocabulary, category: Category | None
) -> tuple[Step, ...]:
    """The steps; tells of unknown names, of names that stand twice, and of what can never be reached.

    Args:
        events: the event types that enter the journey; None for one that no event enters.
        category: of the journey; None where its file has mistakes.
    """
    compiler = _Compiler(events, vocabulary, category)
    steps = compiler.steps(place, "")
    if not compiler.sends and not place.problems:
        place.add("expected a step that sends an action, found none; add one with send: NAME")
    return steps


class _Compiler:
    """The steps of one journey.

    Attributes:
        sends: the names of steps that send, each with its place.
        splits: those of splits.
    """

    def __init__(
        self, events: tuple[str, ...] | None, vocabulary: Vocabulary, category: Category | None
    ) -> None:
        self._category = category
        self._vocabulary = vocabulary
        self._sources = Sources(events, vocabulary)
        self._scope = Scope(vocabulary, events, sees_attributes=True)
        self.sends: dict[str, Place] = {}
        self.splits: dict[str, Place] = {}

    def steps(self, place: Place, prefix: str) -> tuple[Step, ...]:
        """The steps of a list; one with mistakes of its own, told elsewhere, is left out."""
        raw = place.document.get(*place.location)
        steps: list[Step] = []
        for index in range(len(raw) if isinstance(raw, list) else 0):
            here = place.at(index)
            if steps and isinstance(steps[-1], Exit):
                here.add("expected no step behind exit, found one; remove it or the exit")
                break
            step = self._step(here, f"{prefix}{index}")
            if step is not None:
                steps.append(step)
        return tuple(steps)

    def _step(self, place: Place, path: str) -> Step | None:
        match _model(place):
            case SendFile() as file:
                return self._send(place, path, file)
            case WaitFile() as file:
                return Wait(path, file.wait)
            case WaitUntilFile() as file:
                return self._wait_until(place.at("wait_until"), path, file)
            case WaitForFile() as file:
                return self._wait_for(place, path, file)
            case BranchFile() as file:
                return self._branch(place.at("branch"), path, file)
            case SplitFile() as file:
                return self._split(place, path, file)
            case UpdateFile() as file:
                self._vocabulary.check_written(place.at("update"), file.update)
                return Update(path, file.update, self._sources.source(place.at("to"), file.to)[0])
            case ExitFile():
                return Exit(path)
        return None

    def _send(self, place: Place, path: str, file: SendFile) -> Send:
        _tell_again(place.at("send"), "name of a step that sends", file.send, self.sends)
        channels = tuple(file.channel) if isinstance(file.channel, list) else (file.channel,)
        for index, channel in enumerate(channels):
            here = place.at("channel", index) if isinstance(file.channel, list) else place.at("channel")
            self._vocabulary.check_channel(here, channel)
            if channel in channels[:index]:
                here.add(f"expected each channel once, found {channel!r} again; remove it")
        data, shapes = {}, {}
        for name, source in file.data.items():
            data[name], shapes[name] = self._sources.source(place.at("data", name), source)
        template = self._vocabulary.check_message(place.at("template"), file.template)
        if template is not None:
            there = self._vocabulary.channels
            known = tuple(channel for channel in channels if there is None or channel in there)
            check_send(place, template, self._category, known, shapes)
        return Send(path, file.send, channels, file.template, data, file.expires_after)

    def _wait_until(self, place: Place, path: str, file: WaitUntilFile) -> Step:
        moment = file.wait_until
        if not isinstance(moment, MomentFile):
            return WaitUntilLocal(path, moment)
        if moment.before is not None and moment.after is not None:
            place.at("after").add("expected before or after, found both; remove one")
        for shape in self._sources.field(place.at("field"), moment.field):
            if shape.kind not in _MOMENTS:
                place.at("field").add(
                    f"expected a timestamp or a date, found {moment.field!r}, which is {shape}; "
                    "name another field"
                )
        return WaitUntilField(path, moment.field, (moment.after or 0) - (moment.before or 0))

    def _wait_for(self, place: Place, path: str, file: WaitForFile) -> WaitFor:
        awaited, here = file.wait_for, place.at("wait_for")
        events: tuple[str, ...] = ()
        where = condition = None
        match awaited:
            case AwaitedEventFile():
                several = isinstance(awaited.event, list)
                events = tuple(awaited.event) if isinstance(awaited.event, list) else (awaited.event,)
                self._vocabulary.check_events(here.at("event"), events, several)
                if awaited.where is not None:
                    scope = Scope(self._vocabulary, events, sees_attributes=False)
                    where = compile_condition(here.at("where"), awaited.where, scope)
            case AwaitedConditionFile():
                condition = compile_condition(here.at("condition"), awaited.condition, self._scope)
        then = self.steps(place.at("then"), f"{path}.then.")
        otherwise = self.steps(place.at("else"), f"{path}.else.")
        return WaitFor(path, events, where, condition, file.timeout, then, otherwise)

    def _branch(self, place: Place, path: str, file: BranchFile) -> Branch:
        arms: list[Arm] = []
        for index, arm in enumerate(file.branch):
            here = place.at(index)
            if arms and arms[-1].condition is None:
                here.add("expected no way behind one without if, found one; move the other to the end")
                break
            condition: Condition | None = None
            if arm.condition is not None:
                condition = compile_condition(here.at("if"), arm.condition, self._scope)
            arms.append(Arm(condition, self.steps(here.at("steps"), f"{path}.{index}.")))
        return Branch(path, tuple(arms))

    def _split(self, place: Place, path: str, file: SplitFile) -> Split:
        _tell_again(place.at("split"), "name of a split", file.split, self.splits)
        total = sum(share.percent for share in file.shares)
        if total > 100:
            place.at("shares").add(f"expected at most 100 percent, found {total:g}; lower a share")
        names: dict[str, Place] = {}
        shares = []
        for index, share in enumerate(file.shares):
            here = place.at("shares", index)
            _tell_again(here.at("name"), "name of a share", share.name, names)
            shares.append(
                Share(share.name, share.percent, self.steps(here.at("steps"), f"{path}.{share.name}."))
            )
        return Split(path, file.split, tuple(shares))


def _model(place: Place) -> BaseModel | None:
    """A step's model, None for one with mistakes, which the validation of the document tells."""
    try:
        return STEP.validate_python(place.document.get(*place.location))
    except ValidationError:
        return None


def _tell_again(place: Place, what: str, name: str, known: dict[str, Place]) -> None:
    """Tells of a name that stands twice."""
    first = known.setdefault(name, place)
    if first is not place:
        place.add(
            f"expected another {what}, found {name!r}, which is taken in line {first.line}; choose another"
        )

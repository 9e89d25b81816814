"""Keeps what answers in step with the store: a look now and then, and what an operator asks for by the admin routes."""

import asyncio
import contextlib
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

from contract.aliases import STABLE, Alias, read_aliases, write_aliases
from contract.artifact import list_versions
from contract.errors import ArtifactError
from serving.errors import Refusal
from serving.loading import Source, prove, renew
from serving.niceness import be_nice
from serving.pipeline import Pipeline
from serving.store import Key, Model, Models, Refused

log = logging.getLogger("thaw.store")
Done = TypeVar("Done")

NICENESS = 10  # of the thread that hashes, loads and replays: it takes what the lanes leave
LONGEST_GOODBYE_S = 1.0  # for a load that is under way when the server ends


class Keeper:
    """On the event loop; reading and proving happen in a thread. One change at a time."""

    def __init__(self, source: Source, pipeline: Pipeline, poll_seconds: float) -> None:
        self._source = source
        self._pipeline = pipeline
        self._poll_seconds = poll_seconds
        self._one_at_a_time = asyncio.Lock()
        self._leaving: list[tuple[Key, weakref.ref[Model]]] = []
        self._polls: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look at the store now and every `poll_seconds`; never when that is 0."""
        if self._poll_seconds > 0:
            self._polls = asyncio.create_task(self._poll())

    def close(self) -> None:
        """No further look. A load under way gets a moment, since the runtime should not be torn down inside it."""
        if self._polls is not None:
            self._polls.cancel()
        if self._thread is not None:
            self._thread.join(LONGEST_GOODBYE_S)

    async def look(self, *, is_patient: bool = True) -> None:
        """Read the store and answer by what it says now. Requests in flight end with the versions they began with."""
        async with self._one_at_a_time:
            current = self._pipeline.models
            self._adopt(await self._in_thread(lambda: renew(current, self._source, is_patient=is_patient)))

    async def activate(self, key: Key) -> Alias:
        """Prove a version, then let every alias of its model mean it; returns the alias that was written.

        Raises Refusal: unknown-model, unknown-version, or not-activated with the reason. What answered goes on then.
        """
        async with self._one_at_a_time:
            return await self._activate(lambda aliases: key)

    async def roll_back(self, name: str) -> Alias:
        """Activate the version that was active before. Raises Refusal: not-activated when none is recorded."""

        def before(aliases: dict[str, Alias]) -> Key:
            for alias in (aliases[each] for each in (name, STABLE) if each in aliases):
                if alias.model == name and alias.previous is not None:
                    return name, alias.previous
            raise Refusal("not-activated", f"No version of {name} was active before. Activate the one that you want.")

        async with self._one_at_a_time:
            return await self._activate(before)

    async def _poll(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("looking at the store failed; what is loaded answers on")
            await asyncio.sleep(self._poll_seconds)

    async def _activate(self, choose: Callable[[dict[str, Alias]], Key]) -> Alias:
        current = self._pipeline.models

        def work() -> tuple[Models, Alias]:
            folder = self._source.folder
            key = choose(read_aliases(folder))
            model = _loaded(current, key) or _prove(key, self._source)
            active = current.default_versions.get(key[0])
            # read again: proving takes a while, and what somebody else wrote meanwhile must stay
            aliases = activated(read_aliases(folder), key, active.manifest.version if active else None)
            write_aliases(folder, aliases)
            others = [each for each in current.all() if each.key != key]
            known = Models([*others, model], current.aliases, current.refused)
            return renew(known, self._source, is_patient=False), aliases[names_of(aliases, key[0])[0]]

        try:
            models, alias = await self._in_thread(work)
        except ArtifactError as error:
            raise Refusal("not-activated", str(error).replace(f"{self._source.folder}{os.sep}", "")) from error
        except OSError as error:
            detail = (
                f"The aliases cannot be written ({error.strerror}). Make the store writable, or change it elsewhere."
            )
            raise Refusal("not-activated", detail) from error
        self._adopt(models)
        return alias

    async def _in_thread(self, work: Callable[[], Done]) -> Done:
        """Not asyncio's own pool: its threads would hold up the end of the process, and must not stay slow for ever."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Done] = loop.create_future()

        def settle(result: Done | None, error: BaseException | None) -> None:
            if done.cancelled():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type] # without an error it is a result

        def run() -> None:
            be_nice(NICENESS)
            result, failure = None, None
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - handed to the one who waits
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, result, failure)

        self._thread = threading.Thread(target=run, name="thaw-store", daemon=True)
        self._thread.start()
        return await done

    def _adopt(self, models: Models) -> None:
        """On the loop, between two requests: one reference changes, and what changed is said and counted."""
        before = self._pipeline.models
        old, new = {model.key: model for model in before.all()}, {model.key: model for model in models.all()}
        if old != new or before.aliases != models.aliases or before.refused != models.refused:
            self._pipeline.adopt(models)
        self._say("loaded", new.keys() - old.keys())
        self._say("unloaded", old.keys() - new.keys())
        if before.aliases != models.aliases:
            words = {name: "/".join(alias.key) for name, alias in models.aliases.items()}
            log.info("aliases changed", extra={"fields": {"aliases": words}})
            self._pipeline.metrics.count_store_change("aliases")
        self._say_refused(before.refused, models.refused)
        self._leaving += [(key, weakref.ref(model)) for key, model in old.items() if new.get(key) is not model]
        self._forget_gone()

    def _say(self, change: str, keys: set[Key]) -> None:
        for key in sorted(keys):
            log.info("%s %s", change, "/".join(key))
            self._pipeline.metrics.count_store_change(change)

    def _say_refused(self, before: tuple[Refused, ...], now: tuple[Refused, ...]) -> None:
        said = {each for each in before if each.is_certain}
        for refused in now:
            if refused.is_certain and refused not in said:
                log.warning("refused %s: %s", refused.subject, refused.detail)
                self._pipeline.metrics.count_refused(refused.reason)

    def _forget_gone(self) -> None:
        """Series of an unloaded version end when its last request has ended."""
        loaded = {model.key for model in self._pipeline.models.all()}
        gone = [(key, model) for key, model in self._leaving if model() is None]
        self._leaving = [each for each in self._leaving if each not in gone]
        for key, _ in gone:
            if key not in loaded:
                self._pipeline.metrics.forget_model(key)


def activated(aliases: dict[str, Alias], key: Key, active: str | None) -> dict[str, Alias]:
    """The aliases with `key` active. active: the version that answers now, which rolling back will return to."""
    name, version = key
    changed = dict(aliases)
    for each in names_of(aliases, name):
        before = aliases[each].previous if each in aliases else None
        changed[each] = Alias(model=name, version=version, previous=before if active in (version, None) else active)
    return changed


def names_of(aliases: dict[str, Alias], name: str) -> list[str]:
    """The aliases that say which version of a model is active: `stable` if it means that model, and its own name."""
    return [each for each in (STABLE, name) if each in aliases and aliases[each].model == name] or [name]


def _loaded(models: Models, key: Key) -> Model | None:
    return next((model for model in models.all() if model.key == key), None)


def _prove(key: Key, source: Source) -> Model:
    name, version = key
    versions = list_versions(source.folder)
    if name not in versions:
        raise Refusal("unknown-model", f"No model {name!r} in the store. There are: {', '.join(versions)}.")
    if not version.isdecimal() or int(version) not in versions[name]:
        there = ", ".join(map(str, versions[name]))
        raise Refusal("unknown-version", f"No version {version!r} of {name} in the store. There are: {there}.")
    proved = prove(key, source)
    if isinstance(proved, Refused):
        raise Refusal("not-activated", f"{proved.subject} is refused: {proved.detail}")
    return proved

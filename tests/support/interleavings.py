"""Every order in which the operations of several processes can meet in one shared cache, tried on the real code.

The next operation of an action (storing an entry, a sign-out, …) on
:class:`ory_auth.sessions.cache.shared_cache.SessionCache` depends only on what the cache has returned to it so far. So
no thread has to be stopped: the action runs from its beginning with those results, up to its next operation. A state
is the content of the cache and the results of each process. Each state is examined once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

from django.core.cache.backends.base import BaseCache

from ory_auth.conf import Conf
from ory_auth.sessions.cache.shared_cache import SessionCache

Content = dict[str, Any]
Action = Callable[[SessionCache], Any]
Operation = tuple[str, Any]


class Paused(BaseException):
    """The action wants to do this to the cache next. No handler of ours may catch it."""

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self.operation = operation


class SharedCache(BaseCache):
    """Each call is one operation: carried out on ``content``, or answered from ``answers`` as it was before.

    With ``one_by_one`` each key of a call is a separate operation, as in caches that have no calls for many keys.
    """

    one_by_one: ClassVar[bool] = False
    content: ClassVar[Content | None] = None
    answers: ClassVar[Iterator[Any]] = iter(())

    def __init__(self, *_: Any) -> None:
        super().__init__({})

    def _do(self, name: str, given: Any) -> Any:
        if SharedCache.content is not None:
            return operate(SharedCache.content, (name, given))
        for answer in SharedCache.answers:
            return answer
        raise Paused((name, given))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        answer = self._do("get", key)
        return default if answer is None else answer

    def get_many(self, keys: Any, version: int | None = None) -> Content:
        if self.one_by_one:
            return super().get_many(keys, version)
        answer: Content = self._do("get_many", tuple(keys))
        return dict(answer)

    def add(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> bool:
        return bool(self._do("add", (key, value)))

    def set(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> None:
        self._do("set", ((key, value),))

    def set_many(self, data: Content, timeout: Any = None, version: int | None = None) -> list[str]:
        for items in [data.items()] if not self.one_by_one else [[item] for item in data.items()]:
            self._do("set", tuple(items))
        return []

    def touch(self, key: str, timeout: Any = None, version: int | None = None) -> bool:
        return bool(self._do("touch", key))

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(self._do("delete", (key,)))

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        for names in [keys] if not self.one_by_one else [[key] for key in keys]:
            self._do("delete", tuple(names))


def operate(content: Content, operation: Operation) -> Any:
    """Carry it out as a cache that forgets nothing does."""
    name, given = operation
    match name:
        case "get":
            return content.get(given)
        case "get_many":
            return tuple((key, content[key]) for key in given if key in content)
        case "add":
            key, value = given
            return content.setdefault(key, value) is value if key not in content else False
        case "set":
            return content.update(given)
        case "touch":
            return given in content
        case "delete":
            for key in given:
                content.pop(key, None)
            return True
    raise AssertionError(name)


class Step(NamedTuple):
    """One action of a process: what it was answered, and whether the sign-out had returned when it began."""

    action: str
    answers: tuple[Any, ...] = ()
    late: bool = False


@dataclass(frozen=True)
class State:
    """``done`` and ``running`` are per process; ``lost`` is the key that the cache has lost of its own accord."""

    content: frozenset[tuple[str, Any]]
    todo: tuple[tuple[str, ...], ...]
    done: tuple[tuple[Step, ...], ...]
    running: tuple[Step | None, ...]
    lost: str = ""
    lost_at_rest: bool = False  # no action was under way or still to come
    overlapped: bool = False  # a fill and the sign-out were under way at the same time

    def returned(self, action: str) -> bool:
        return any(step.action.startswith(action) for steps in self.done for step in steps)


def _process(conf: Conf) -> SessionCache:
    """A process without its thread that writes lost sign-outs again: it would not wait for its turn."""
    process = SessionCache(conf)
    process.close()
    return process


class Explorer:
    """All orders of these processes' actions over one cache."""

    def __init__(
        self, conf: Conf, actions: dict[str, Action], *, may_lose: Callable[[str], bool] | None = None
    ) -> None:
        self._conf, self._actions, self._may_lose = conf, actions, may_lose
        self._next: dict[tuple[tuple[Step, ...], Step], Operation | None] = {}
        self._value: dict[tuple[tuple[Step, ...], Step], Any] = {}

    def content_after(self, *actions: str) -> frozenset[tuple[str, Any]]:
        """What the cache holds when these have been carried out one after the other, each in its own process."""
        content: Content = {}
        for action in actions:
            self.at_once(content, self._actions[action])
        return frozenset(content.items())

    def at_once(self, content: Content, action: Action) -> Any:
        """Carry out an action in a new process, without anything in between."""
        SharedCache.content = content
        try:
            return action(_process(self._conf))
        finally:
            SharedCache.content = None

    def states(self, processes: tuple[tuple[str, ...], ...], content: frozenset[tuple[str, Any]]) -> Iterator[State]:
        """Every state that can be reached, once."""
        nobody: tuple[None, ...] = (None,) * len(processes)
        first = State(content, processes, ((),) * len(processes), nobody)
        seen, waiting = {first}, [first]
        while waiting:
            state = waiting.pop()
            yield state
            for after in self._after(state):
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)

    def value(self, steps: tuple[Step, ...]) -> Any:
        """What the last of these actions of one process returned."""
        return self._value[steps[:-1], steps[-1]]

    def _after(self, state: State) -> Iterator[State]:
        for process in range(len(state.todo)):
            step = state.running[process]
            if step is not None:
                yield self._moved(state, process, step)
            elif state.todo[process]:
                action, *rest = state.todo[process]
                begun = Step(action, late=state.returned("sign out"))
                yield self._settled(replace(state, todo=_put(state.todo, process, tuple(rest))), process, begun)
        if self._may_lose is not None and not state.lost:
            for key, value in state.content:
                if self._may_lose(key):
                    at_rest = not any(state.running) and not any(state.todo)
                    yield replace(state, content=state.content - {(key, value)}, lost=key, lost_at_rest=at_rest)

    def _moved(self, state: State, process: int, step: Step) -> State:
        operation = self._operation(state.done[process], step)
        content = dict(state.content)
        answer = operate(content, operation)
        moved = step._replace(answers=(*step.answers, answer))
        return self._settled(replace(state, content=frozenset(content.items())), process, moved)

    def _settled(self, state: State, process: int, step: Step) -> State:
        """With this step under way, or done where it does nothing more to the cache."""
        if self._operation(state.done[process], step) is None:
            done = _put(state.done, process, (*state.done[process], step))
            return replace(state, done=done, running=_put(state.running, process, None))
        running = _put(state.running, process, step)
        kinds = {other.action.split()[0] for other in running if other is not None}
        return replace(state, running=running, overlapped=state.overlapped or {"sign", "fill"} <= kinds)

    def _operation(self, before: tuple[Step, ...], step: Step) -> Any:
        """What this process does to the cache next; ``None``: the action has returned."""
        known = before, step
        if known not in self._next:
            process = _process(self._conf)
            for earlier in before:
                self._again(process, earlier)
            try:
                self._value[known] = self._again(process, step)
                self._next[known] = None
            except Paused as paused:
                self._next[known] = paused.operation
        return self._next[known]

    def _again(self, process: SessionCache, step: Step) -> Any:
        SharedCache.answers = iter(step.answers)
        return self._actions[step.action](process)


def _put(values: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    return (*values[:index], value, *values[index + 1 :])

"""Something that several threads share and that is made when the first of them needs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Once(Generic[Value]):
    """`Once(make)()` is what `make` gives, made by the first who asks; the others wait for it.

    What `make` raises is raised for everybody who asks.
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._making = threading.Lock()
        self._found: list[Value] = []
        self._error: Exception | None = None

    def __call__(self) -> Value:
        with self._making:
            if self._error is not None:
                raise self._error
            if not self._found:
                try:
                    self._found.append(self._make())
                except Exception as error:
                    self._error = error
                    raise
            return self._found[0]

    def another(self) -> Once[Value]:
        """One more try, where making it failed; else itself."""
        with self._making:
            return self if self._error is None else Once(self._make)

    def begin(self) -> None:
        """Have it made in a thread of its own, for whoever asks later."""

        def make() -> None:
            try:
                self()
            except Exception:
                return   # kept, and raised for whoever asks

        threading.Thread(target=make, daemon=True).start()


class LazyMapping(Mapping[Key, Value]):
    """A mapping that is made when somebody looks into it."""

    def __init__(self, made: Callable[[], Mapping[Key, Value]]) -> None:
        self._made = made

    def __getitem__(self, key: Key) -> Value:
        return self._made()[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())

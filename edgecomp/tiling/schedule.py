"""When the calls and transfers of a tile program happen, and the proof that none of them race.

Time is counted in slots. A call with lag L runs for step s in slot s + L, so that one slot holds
work of several steps, and engines work side by side. Within slot t, in this order:

1. wait for the loads that calls of this slot need, and for stores out of buffers they will fill;
2. give the accelerator its calls of this slot, of older steps first;
3. wait for the accelerator's calls of slot t - 1;
4. start storing what those completed, and loading what slot t + 1 needs;
5. run the cluster's calls of this slot, of older steps first; start storing what they completed.

So an engine sees its own calls in order, and what one engine did in slot t the other sees from
slot t + 1 on. A buffer has as many copies as keep a new version of its content from being written
while the old one is in use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgecomp.targets import Engine
from edgecomp.tiling.parts import Call, Nest, Operand, Pointer, Scratch

MOST_COPIES = 6
"""A program whose buffers need more copies than this is refused."""


class CopiesError(ValueError):
    """No number of copies of a buffer keeps its versions apart."""


_NEVER = np.iinfo(np.int64).max // 2


@dataclass(frozen=True)
class _Use:
    """What one call does with one buffer: first and last slot of every version, or none."""

    call: Call
    rank: int
    reads: bool
    writes: bool
    first: np.ndarray
    last: np.ndarray

    @property
    def engine(self) -> Engine:
        return self.call.engine

    @property
    def active(self) -> np.ndarray:
        """Whether the call is active in a version."""
        return self.first < _NEVER


class Schedule:
    """Slots, lags and buffer copies of a tile program."""

    def __init__(
        self,
        nest: Nest,
        operands: Sequence[Operand],
        scratch: Sequence[Scratch],
        calls: Sequence[Call],
    ) -> None:
        self.nest = nest
        self._operands = {operand.name: operand for operand in operands}
        self._buffers: dict[str, Operand | Scratch] = {**self._operands}
        self._buffers.update({item.name: item for item in scratch})
        self.calls = tuple(sorted(calls, key=lambda call: -call.lag))
        """In the order in which an engine runs those of one slot."""

    # ---- what codegen and the cost model ask ---------------------------------------------------

    @cached_property
    def slots(self) -> int:
        """Slots from the first step's first call to the last step's last store."""
        return self.nest.steps + max(self.lags)

    @cached_property
    def lags(self) -> list[int]:
        """The lags at which anything happens, ascending."""
        stores = (self.store_lag(o) for o in self._operands.values() if o.direction == "out")
        return sorted({0, *(call.lag for call in self.calls), *stores})

    def first_lag(self, name: str) -> int:
        """The lag of the earliest call that touches a buffer; 0 where none does."""
        return min((use.call.lag for use in self._uses[name]), default=0)

    def store_lag(self, operand: Operand) -> int:
        """The lag at which a result tile of ``operand`` is stored."""
        writers = [use for use in self._uses[operand.name] if use.writes]
        return max((use.call.lag + (use.engine == "ne16") for use in writers), default=0)

    def stored_early(self, operand: Operand) -> bool:
        """Whether the store starts before the cluster's calls of its slot."""
        lag = self.store_lag(operand)
        writers = [use for use in self._uses[operand.name] if use.writes]
        return bool(writers) and all(use.engine == "ne16" or use.call.lag < lag for use in writers)

    def active(self, call: Call) -> np.ndarray:
        """The steps at which a call runs, ascending."""
        runs = np.ones(self.nest.steps, bool)
        for index, value in call.when:
            runs &= self.nest.at_steps(index) == value
        return np.flatnonzero(runs)

    @cached_property
    def copies(self) -> dict[str, int]:
        """Copies of every buffer. ``CopiesError`` where no number of them is enough."""
        return {name: self._copies(name) for name in self._buffers}

    def check(self) -> None:
        """``ValueError`` where something is read that may not have been written or is overwritten.

        A store is a reader, too. An input is written by its load; what calls then change of it in
        place they change once a load, before anything else reads it.
        """
        for name, item in self._buffers.items():
            if isinstance(item, Operand) and item.direction == "in":
                self._check_changes(name)
                continue
            if isinstance(item, Operand):
                self._check_stored(name)
            for reader in self._uses[name]:
                if reader.reads:
                    self._check_written(name, reader)
            self._check_kept(name)
        _ = self.copies

    # ---- uses of buffers -----------------------------------------------------------------------

    @cached_property
    def _versions(self) -> dict[str, np.ndarray]:
        return {name: self.nest.versions(item.key) for name, item in self._buffers.items()}

    @cached_property
    def _uses(self) -> dict[str, list[_Use]]:
        return {name: list(self._uses_of(name)) for name in self._buffers}

    def _uses_of(self, name: str) -> Iterator[_Use]:
        versions = self._versions[name]
        for rank, call in enumerate(self.calls):
            reads, writes = call.touches(name)
            if not (reads or writes):
                continue
            steps = self.active(call)
            first = np.full(versions[-1] + 1, _NEVER)
            last = np.full(versions[-1] + 1, -_NEVER)
            first[versions[steps[::-1]]] = steps[::-1] + call.lag
            last[versions[steps]] = steps + call.lag
            yield _Use(call, rank, reads, writes, first, last)

    def _check_written(self, name: str, reader: _Use) -> None:
        """Every step's read comes after the latest write for this or an earlier step."""
        versions, steps = self._versions[name], self.active(reader.call)
        written = np.zeros(len(steps), bool)
        for writer in self._uses[name]:
            if not writer.writes or writer.call is reader.call:
                continue
            active = self.active(writer.call)
            at = np.searchsorted(active, steps, side="right") - 1
            latest = active[np.maximum(at, 0)] if len(active) else np.zeros_like(steps)
            found = (at >= 0) & (versions[latest] == versions[steps])
            late = ~_before(writer, latest + writer.call.lag, reader, steps + reader.call.lag)
            if (found & late).any():
                raise ValueError(
                    f"{reader.call.kernel} may read {name} before {writer.call.kernel} wrote it"
                )
            written |= found
        if not written.all():
            raise ValueError(f"{reader.call.kernel} reads {name}, which nothing has written")

    def _check_kept(self, name: str) -> None:
        """What a version holds after one step is used before calls of later steps write over it.

        Writes of one step are in order, too. Other columns of the buffer may be written any time.
        """
        for old in self._uses[name]:
            for new in self._uses[name]:
                if new.writes and new is not old:
                    self._check_later(name, old, new)
                    if old.writes and old.engine != new.engine and old.call.lag == new.call.lag:
                        both = np.intersect1d(self.active(old.call), self.active(new.call))
                        self._check_apart(name, (old.call, both), (new.call, both))

    def _check_later(self, name: str, old: _Use, new: _Use) -> None:
        """``old`` at a step is over before ``new`` writes for a later one."""
        versions, steps, writes = self._versions[name], self.active(old.call), self.active(new.call)
        at = np.searchsorted(writes, steps, side="right")
        while (inside := at < len(writes)).any():
            steps, at = steps[inside], at[inside]
            later = writes[at]
            late = ~_before(old, steps + old.call.lag, new, later + new.call.lag)
            late &= versions[later] == versions[steps]
            steps, at = steps[late], at[late]
            self._check_apart(name, (old.call, steps), (new.call, writes[at]))
            at += 1

    def _check_apart(
        self, name: str, old: tuple[Call, np.ndarray], new: tuple[Call, np.ndarray]
    ) -> None:
        """Two calls, each at its steps, touch different columns of a buffer."""
        for begin, end, pitch in self._columns(name, *old):
            for other_begin, other_end, other_pitch in self._columns(name, *new):
                apart = (end <= other_begin) | (other_end <= begin)
                if not (apart & (pitch == other_pitch)).all():
                    raise ValueError(
                        f"{new[0].kernel} may overwrite {name} while {old[0].kernel} uses it"
                    )

    def _columns(
        self, name: str, call: Call, steps: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """First byte, end and pitch of what a call touches of a buffer; (0, 1, 1): all of it."""
        for argument in call.arguments.values():
            if not (isinstance(argument, Pointer) and argument.name == name):
                continue
            begin, end, pitch = np.zeros_like(steps), np.ones_like(steps), 1
            if argument.columns is not None:
                pitch = argument.columns.pitch
                begin = self.nest.at_steps(argument.offset)[steps] % pitch
                end = begin + self.nest.at_steps(argument.columns.width)[steps]
                if (end > pitch).any():
                    raise ValueError(f"columns of {name} are wider than its pitch {pitch}")
            yield begin, end, pitch

    def _check_stored(self, name: str) -> None:
        """Something writes every version of a result."""
        written = np.zeros(self._versions[name][-1] + 1, bool)
        for use in self._uses[name]:
            if use.writes:
                written |= use.active
        if not written.all():
            raise ValueError(f"a tile of {name} is stored, but nothing wrote it")

    def _check_changes(self, name: str) -> None:
        """In place calls change each load of an input once, before others read it."""
        uses, versions = self._uses[name], self._versions[name]
        for change in (use for use in uses if use.writes):
            kernel = change.call.kernel
            if (np.bincount(versions[self.active(change.call)]) > 1).any():
                raise ValueError(f"{kernel} changes {name} more than once a load")
            for other in (use for use in uses if use is not change):
                if (other.active & ~change.active).any():
                    raise ValueError(f"{kernel} does not change every load of {name}")
                done = _before(change, change.last, other, other.first)
                if other.writes:
                    done |= _before(other, other.last, change, change.first)
                if not done[other.active].all():
                    raise ValueError(
                        f"{other.call.kernel} may read {name} before {kernel} changed it"
                    )

    # ---- copies --------------------------------------------------------------------------------

    def _copies(self, name: str) -> int:
        item = self._buffers[name]
        least = item.buffers if isinstance(item, Operand) else 1
        for copies in range(least, MOST_COPIES + 1):
            if self._enough(name, item, copies):
                return copies
            if isinstance(item, Operand) and item.buffers == 1:
                break
        raise CopiesError(f"the content of {name} is replaced while it may still be in use")

    def _enough(self, name: str, item: Operand | Scratch, copies: int) -> bool:
        """Whether no version v + n * copies comes into the memory of v too early."""
        uses = self._uses[name]
        if not uses or self._versions[name][-1] < copies:
            return True
        if isinstance(item, Operand) and item.direction == "in":
            loads = self._load_slots(item)[copies:]
            exposed = item.buffers == 1
            return all(
                (use.last[:-copies] + (exposed and use.engine == "ne16") < loads).all()
                for use in uses
            )
        writers = [use for use in uses if use.writes]
        if isinstance(item, Operand) and not self._stores_end(item, writers, copies):
            return False
        return all(
            _before(old, old.last[:-copies], new, _earliest(new.first, copies)[copies:]).all()
            for old in uses
            for new in writers
        )

    def _stores_end(self, operand: Operand, writers: Sequence[_Use], copies: int) -> bool:
        """Whether every store is waited for before its memory is written again.

        A store starts at the last step of its version, whether a call is active there or not. It
        is waited for in the slots of the steps that will have its memory, at the first lag.
        """
        if not writers:
            return True
        ends = self._last_steps(operand.name)
        stored = ends + self.store_lag(operand)
        written = np.min([use.first for use in writers], axis=0)
        waited = np.minimum(written, ends + self.first_lag(operand.name))
        return bool((stored[:-copies] < _earliest(waited, copies)[copies:]).all())

    def _last_steps(self, name: str) -> np.ndarray:
        """The last step of every version."""
        changes = np.flatnonzero(np.diff(self._versions[name]))
        return np.append(changes, self.nest.steps - 1)

    def _load_slots(self, operand: Operand) -> np.ndarray:
        """The slot in which the load of every version starts."""
        starts = np.unique(self._versions[operand.name], return_index=True)[1]
        ahead = 1 if operand.buffers > 1 else 0
        return np.asarray(starts + self.first_lag(operand.name) - ahead)


def _before(old: _Use, old_slots: np.ndarray, new: _Use, new_slots: np.ndarray) -> np.ndarray:
    """Whether a use in one slot is surely over when another one begins."""
    if old.engine == new.engine and old.rank < new.rank:
        return old_slots <= new_slots
    return old_slots < new_slots


def _earliest(slots: np.ndarray, copies: int) -> np.ndarray:
    """For every version the earliest slot of it and the later ones that share its memory."""
    padded = np.full((-(-len(slots) // copies), copies), _NEVER)
    padded.ravel()[: len(slots)] = slots
    return np.minimum.accumulate(padded[::-1], axis=0)[::-1].ravel()[: len(slots)]

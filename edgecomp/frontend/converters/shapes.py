"""Operators that change the shape or the order of axes."""

from __future__ import annotations

import math

from edgecomp.errors import EdgecompError
from edgecomp.frontend.call import Call, Operand, Unsupported
from edgecomp.frontend.limits import excessive
from edgecomp.frontend.registry import converts


@converts("Reshape")
def reshape(call: Call) -> Operand:
    """Reshape; 0 keeps an axis, -1 is inferred."""
    x, wanted = call.operand(0), call.numbers(1, "shape")
    shape = list(wanted)
    if not call.integer("allowzero", 0):
        shape = [x.shape[i] if s == 0 and i < len(x.shape) else s for i, s in enumerate(shape)]
    known = math.prod(s for s in shape if s != -1)
    if shape.count(-1) == 1 and known > 0 and math.prod(x.shape) % known == 0:
        shape[shape.index(-1)] = math.prod(x.shape) // known
    if min(shape, default=0) < 0 or math.prod(shape) != math.prod(x.shape):
        raise EdgecompError(f"a tensor of shape {tuple(x.shape)} cannot become {tuple(wanted)}")
    return call.reshape(x, shape)


@converts("Flatten")
def flatten(call: Call) -> Operand:
    """Flatten to a matrix."""
    shape = call.shape(0)
    axis = call.integer("axis", 1)
    axis = axis if axis == len(shape) else call.axis(axis, len(shape))
    return call.reshape(call.operand(0), (math.prod(shape[:axis]), math.prod(shape[axis:])))


@converts("Squeeze")
def squeeze(call: Call) -> Operand:
    """Squeeze the listed axes, or all of size one."""
    shape = call.shape(0)
    if call.has(1):
        axes = {call.axis(axis, len(shape)) for axis in call.numbers(1, "list of axes")}
    else:
        axes = {axis for axis, size in enumerate(shape) if size == 1}
    if any(shape[axis] != 1 for axis in axes):
        raise EdgecompError(f"axes {sorted(axes)} of {shape} do not all have size one")
    return call.reshape(call.operand(0), [s for a, s in enumerate(shape) if a not in axes])


@converts("Unsqueeze")
def unsqueeze(call: Call) -> Operand:
    """Unsqueeze: axes of size one at the listed places of the result."""
    given = call.numbers(1, "list of axes")
    rank = len(call.shape(0)) + len(given)
    axes = {call.axis(axis, rank) for axis in given}
    if len(axes) != len(given):
        raise EdgecompError(f"axes {given} name one place twice")
    sizes = iter(call.shape(0))
    return call.reshape(call.operand(0), [1 if a in axes else next(sizes) for a in range(rank)])


@converts("Transpose")
def transpose(call: Call) -> Operand:
    """Transpose; by default the axes are reversed."""
    rank = len(call.shape(0))
    permutation = call.integers("perm", tuple(reversed(range(rank))))
    return call.transpose(call.operand(0), permutation)


@converts("Expand")
def expand(call: Call) -> Operand:
    """Expand: both shapes are broadcast against each other."""
    x = call.operand(0)
    shape = _mutual(tuple(x.shape), call.numbers(1, "shape"))
    return x if tuple(x.shape) == shape else call.emit("expand", x, shape=shape)


def _mutual(have: tuple[int, ...], want: list[int]) -> tuple[int, ...]:
    rank = max(len(have), len(want))
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in (have, want)]
    sizes = []
    for a, b in zip(*padded, strict=True):
        if a != b and 1 not in (a, b):
            raise EdgecompError(f"shapes {have} and {tuple(want)} do not broadcast")
        sizes.append(b if a == 1 else a)
    return tuple(sizes)


@converts("Tile")
def tile(call: Call) -> Operand:
    """Tile: concatenation with itself along each repeated axis."""
    x, repeats = call.operand(0), call.numbers(1, "repeats")
    sizes = [size * count for size, count in zip(x.shape, repeats, strict=True)]
    if min(repeats, default=1) < 1 or excessive(sizes):
        raise Unsupported(f"repeats are {repeats}", "repeat every axis once or a few times")
    for axis, count in enumerate(repeats):
        if count > 1:
            x = call.emit("concat", *[x] * count, axis=axis)
    return x


@converts("Concat")
def concat(call: Call) -> Operand:
    """Concat; of tensors that are empty (rotations of all features leave such) nothing is added."""
    operands = [call.operand(index) for index in range(len(call.operands))]
    axis = call.axis(call.integer("axis", 0), len(operands[0].shape))
    operands = [operand for operand in operands if operand.shape[axis] > 0] or operands[:1]
    return operands[0] if len(operands) == 1 else call.emit("concat", *operands, axis=axis)


@converts("DepthToSpace")
def depth_to_space(call: Call) -> Operand:
    """DepthToSpace in both orders."""
    n, c, h, w = _image(call)
    block = call.integer("blocksize", 1)
    if block < 1 or c % (block * block):
        raise EdgecompError(f"blocks of {block} do not divide {c} channels")
    depth = c // (block * block)
    if call.text("mode", "DCR") == "DCR":
        shape, order = (n, block, block, depth, h, w), (0, 3, 4, 1, 5, 2)
    else:
        shape, order = (n, depth, block, block, h, w), (0, 1, 4, 2, 5, 3)
    turned = call.transpose(call.reshape(call.operand(0), shape), order)
    return call.reshape(turned, (n, depth, h * block, w * block))


@converts("SpaceToDepth")
def space_to_depth(call: Call) -> Operand:
    """SpaceToDepth."""
    n, c, h, w = _image(call)
    block = call.integer("blocksize", 1)
    if block < 1 or h % block or w % block:
        raise EdgecompError(f"blocks of {block} do not divide an image of {h} x {w}")
    split = call.reshape(call.operand(0), (n, c, h // block, block, w // block, block))
    turned = call.transpose(split, (0, 3, 5, 1, 2, 4))
    return call.reshape(turned, (n, c * block * block, h // block, w // block))


def _image(call: Call) -> tuple[int, int, int, int]:
    shape = call.shape(0)
    if len(shape) != 4:
        raise EdgecompError(f"a tensor of shape {shape} is not [N,C,H,W]")
    return shape[0], shape[1], shape[2], shape[3]

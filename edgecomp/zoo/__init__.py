"""The encoders that edgecomp knows: networks, weights, checkpoints and signals to feed them."""

from edgecomp.zoo.checkpoint import CheckpointError, MisfitError
from edgecomp.zoo.encoding import RecordingEncoder
from edgecomp.zoo.output import EncoderOutput
from edgecomp.zoo.recordings import RecordingError, load_recording, load_windows
from edgecomp.zoo.registry import (
    Encoder,
    create,
    create_encoder,
    describe,
    detect,
    get,
    load,
    load_encoder,
    names,
    parse_options,
    resolve,
)
from edgecomp.zoo.spec import Option, ZooError, ZooModel

__all__ = [
    "CheckpointError",
    "Encoder",
    "EncoderOutput",
    "MisfitError",
    "Option",
    "RecordingEncoder",
    "RecordingError",
    "ZooError",
    "ZooModel",
    "create",
    "create_encoder",
    "describe",
    "detect",
    "get",
    "load",
    "load_encoder",
    "load_recording",
    "load_windows",
    "names",
    "parse_options",
    "resolve",
]

"""What a recording may be, in the words of `--help`."""

RECORDING_FORMATS = (
    ".npy, .csv, or .npz with one array or one called input, inputs, windows, x or data; "
    "for a network with several inputs, .npz with an array for each, by name."
)

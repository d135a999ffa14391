"""What a recording may be, in the words of `--help`."""

RECORDING_FORMATS = (
    ".npy, .csv, or .npz with one array, or several of which one is called like the input or "
    "input, inputs, windows, x or data, or is the only one that fits; for a network with several "
    "inputs, .npz with an array for each, by name."
)

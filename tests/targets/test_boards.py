"""Boards and targets: loading, costs, and what a mistake in a board file says."""

from pathlib import Path

import pytest

from edgecomp import resources
from edgecomp.targets import (
    BoardError,
    TargetError,
    board_for,
    board_names,
    load_board,
    load_target,
    target_names,
)
from edgecomp.targets.rates import KernelRate


@pytest.fixture
def board_text() -> str:
    return (resources.folder("boards") / "gap9_evk.toml").read_text()


def _error(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    with pytest.raises(BoardError) as caught:
        load_board(path)
    return str(caught.value)


@pytest.mark.parametrize("name", board_names())
def test_every_board_loads_and_names_its_target(name):
    board = load_board(name)
    assert board.name == name
    assert board.target in target_names()


@pytest.mark.parametrize("name", target_names())
def test_every_target_has_a_default_board_of_its_own(name):
    assert board_for(name).name == load_target(name).default_board


def test_gap9_has_the_documented_memories():
    memories = load_board("gap9_evk").memories
    assert memories.l1_bytes == 128 * 1024
    assert memories.l2_bytes == 3 * 512 * 1024
    assert memories.l3_bytes == 32 * 1024 * 1024


def test_stacks_and_code_are_not_available_for_buffers():
    board = load_board("gap9_evk")
    stacks = 8 * board.reserved.worker_stack_bytes + board.reserved.orchestrator_stack_bytes
    assert board.l1_available_bytes == 128 * 1024 - stacks
    assert board.l2_available_bytes < board.memories.l2_bytes - board.reserved.code_bytes


@pytest.mark.parametrize("name", board_names())
def test_every_board_rates_every_kernel(name):
    sources = (resources.folder("runtime_c") / "kernels" / "reference").glob("*.c")
    kernels = {source.stem for source in sources}
    assert "linear" in kernels
    assert kernels <= set(load_board(name).kernels.root)


def test_a_kernel_costs_its_call_rows_elements_and_products():
    rate = KernelRate(cycles_per_call=150, cycles_per_row=20, cycles_per_element=1.5)
    assert rate.cycles(rows=3, elements=200) == pytest.approx(150 + 3 * 20 + 200 * 1.5)
    product = KernelRate(cycles_per_call=150, macs_per_cycle=15.5)
    assert product.cycles(macs=15_500) == pytest.approx(150 + 1000)


def test_an_unrated_kernel_is_named():
    with pytest.raises(Exception, match=r"kernel 'lineer'") as caught:
        _ = load_board("gap9_evk").kernels["lineer"]
    assert "'linear'" in str(caught.value)


def test_a_transfer_rounds_each_row_up_to_whole_cycles():
    board = load_board("gap9_evk")
    assert board.l2_l1_cycles(row_bytes=9, rows=4) == pytest.approx(16 + 4 * 2)


def test_streaming_tinyissimomyo_from_l3_takes_8_9_milliseconds():
    board = load_board("gap9_evk")
    assert board.seconds(board.l3_l2_cycles(1_790_000)) == pytest.approx(8.95e-3)


def test_a_board_without_a_path_from_flash_has_no_time_for_it():
    with pytest.raises(ValueError, match="pulp_open reads no weights from flash"):
        load_board("pulp_open").flash_l2_cycles(8)


def test_a_chip_that_only_a_simulator_has_states_no_power():
    assert load_board("pulp_open").power is None


def test_published_energy_follows_from_the_published_time():
    assert load_board("gap9_evk").power.joules(0.785) == pytest.approx(44.91e-3, rel=1e-3)


def test_a_board_of_the_users_own_is_loaded_by_path(tmp_path, board_text):
    path = tmp_path / "mine.toml"
    path.write_text(board_text.replace('"gap9_evk"', '"wristband"'))
    assert board_for("gap9", path).name == "wristband"
    assert board_for("gap9", str(path)).name == "wristband"


def test_an_unknown_board_suggests_the_closest():
    with pytest.raises(BoardError, match=r"(?s)unknown board 'gap9_evm'.*did you mean gap9_evk"):
        load_board("gap9_evm")


def test_a_missing_board_file_is_named(tmp_path):
    with pytest.raises(BoardError, match=r"absent\.toml: No such file"):
        load_board(tmp_path / "absent.toml")


def test_broken_toml_names_the_file_and_the_line(tmp_path):
    message = _error(tmp_path, 'name = "x"\n[memories\n')
    assert "mine.toml is not valid TOML" in message
    assert "line 2" in message


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("l1_bytes = 131_072", "l1_bytes = -64", "memories.l1_bytes: input should be greater"),
        (
            "l1_bytes = 131_072",
            "l1_bytes = 131_000",
            "memories.l1_bytes: input should be a multiple of 64",
        ),
        ("worker_stack_bytes = 1_024", "worker_stack_bytes = 1_000", "reserved.worker_stack_bytes"),
        ("l1_bytes = 131_072", "l1_kib = 128", "memories.l1_kib is not a field of a board"),
        ("l1_bytes = 131_072", "", "memories.l1_bytes is missing"),
        ("cluster_hz = 370_000_000", 'cluster_hz = "fast"', "clocks.cluster_hz: input should"),
        ("cluster_hz = 370_000_000", "cluster_hz = inf", "clocks.cluster_hz: input should"),
        ('clock = "peripheral"', 'clock = "usb"', "transfers.l3_l2.clock: input should be"),
        ("macs_per_cycle = 21.3", "macs_per_cycle = 0", "kernels.linear.macs_per_cycle"),
        ("code_bytes = 114_688", "code_bytes = 2_000_000", "reserves all of memories.l2_bytes"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, board_text, before, after, expected):
    assert before in board_text
    assert expected in _error(tmp_path, board_text.replace(before, after, 1))


def test_an_unknown_target_lists_what_there_is():
    with pytest.raises(TargetError, match=r"(?s)unknown target 'gap8'.*gap9"):
        board_for("gap8")


def test_a_board_of_another_target_is_refused(tmp_path, board_text):
    path = tmp_path / "other.toml"
    path.write_text(board_text.replace('target = "gap9"', 'target = "gap10"'))
    with pytest.raises(TargetError, match=r"for target 'gap10', not 'gap9'"):
        board_for("gap9", path)


def test_a_board_lies_over_its_base(tmp_path: Path) -> None:
    """Fields replace fields, sections stay; the base's target description is not taken."""
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\nbase = "gap9_evk"\n[power]\nsleep_watts = 1e-3\n[memories]\nl3_bytes = 8\n'
    )
    base, mine = load_board("gap9_evk"), load_board(file)
    assert mine.power.sleep_watts == 1e-3
    assert mine.power.active_watts == base.power.active_watts
    assert mine.memories == base.memories.model_copy(update={"l3_bytes": 8})
    assert mine.kernels == base.kernels
    assert mine.target_description == ""


@pytest.mark.parametrize("base", ['"nowhere"', '"biogap"', "3"])
def test_a_base_must_be_a_complete_board_of_ours(tmp_path: Path, base: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'name = "mine"\nbase = {base}\n')
    with pytest.raises(BoardError, match="no complete board of ours"):
        load_board(file)

"""Without PyTorch the tests of the training itself are left out, and pytest says so at its end."""

import importlib.util
from collections.abc import Iterator

import pytest

NEEDS_TORCH = [
    "test_augment.py",
    "test_detector.py",
    "test_distil.py",
    "test_fusion.py",
    "test_losses.py",
    "test_methods.py",
    "test_retrain.py",
    "test_second_teacher.py",
    "test_sface.py",
    "test_student.py",
    "test_teacher.py",
]
WITHOUT_TORCH = importlib.util.find_spec("torch") is None

collect_ignore = NEEDS_TORCH if WITHOUT_TORCH else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a reader of the log cannot miss; pytest leaves out its header with -q."""
    if WITHOUT_TORCH:
        terminalreporter.write_line(f"PyTorch is not installed: {', '.join(NEEDS_TORCH)} left out")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in one order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

"""Without PyTorch the tests of the training itself are left out, and pytest says so in its header."""

import importlib.util

NEEDS_TORCH = [
    "test_augment.py",
    "test_detector.py",
    "test_distil.py",
    "test_fusion.py",
    "test_losses.py",
    "test_methods.py",
    "test_second_teacher.py",
    "test_student.py",
    "test_teacher.py",
]
WITHOUT_TORCH = importlib.util.find_spec("torch") is None

collect_ignore = NEEDS_TORCH if WITHOUT_TORCH else []


def pytest_report_header() -> str | None:
    """One line a reader of the log cannot miss."""
    return f"PyTorch is not installed: {', '.join(NEEDS_TORCH)} left out" if WITHOUT_TORCH else None

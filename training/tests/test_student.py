import torch

from roomkin_training.student import Student, Unit, parameters_count, same_padding


def test_the_sizes_that_were_asked_for() -> None:
    assert round(parameters_count(Student(1.0)) / 1e6, 1) == 23.9
    assert round(parameters_count(Student(0.5)) / 1e6, 1) == 6.1


def test_padding_is_tensorflows() -> None:
    # tf.nn: ceil(size / stride) outputs, the odd pixel after.
    assert same_padding(112, 7, 2) == (2, 3)
    assert same_padding(56, 3, 2) == (0, 1)
    assert same_padding(7, 3, 2) == (1, 1)
    assert same_padding(28, 3, 1) == (1, 1)
    assert same_padding(28, 1, 2) == (0, 0)


def test_a_strided_unit_starts_at_the_first_pixel() -> None:
    unit = Unit(1, 1, 3, 2).eval()
    torch.nn.init.zeros_(unit.c.weight)
    unit.c.weight.data[0, 0, 0, 0] = 1.0
    picture = torch.arange(64.0).view(1, 1, 8, 8)
    assert torch.allclose(unit(picture), picture[:, :, ::2, ::2], rtol=1e-4)


def test_embeds_112_px_in_192_numbers_with_the_known_names() -> None:
    student = Student(0.25).eval()
    assert student(torch.zeros(2, 3, 112, 112)).shape == (2, 192)
    names = set(student.state_dict())
    assert {"stem.c.weight", "body.0.p.b.running_var", "body.15.b.c.weight", "head.bias"} <= names


def test_residual_branches_start_at_zero() -> None:
    student = Student(0.25)
    assert all(not block.c.b.weight.any() for block in student.body)

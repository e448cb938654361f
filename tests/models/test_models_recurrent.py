"""Protects what DRAW is made of: the LSTM against PyTorch's, the windows against the formulas of the paper."""

import math

import pytest
import torch
from torch import nn

from models import ImageShape
from models.recurrent import LSTM, AttentiveReader, AttentiveWriter, State, WholeReader, WholeWriter
from models.recurrent.window import window
from models.start import Start

SHARP = -20.0  # log variance of filters that see one pixel


def test_the_cell_is_the_one_of_pytorch(generator) -> None:
    cell, theirs = LSTM(inputs=3, size=4).double(), nn.LSTMCell(3, 4).double()
    with torch.no_grad():
        cell.gates.weight.copy_(torch.cat([theirs.weight_ih, theirs.weight_hh], 1))
        cell.gates.bias.copy_(theirs.bias_ih + theirs.bias_hh)
    state = ours = (
        torch.randn(5, 4, generator=generator, dtype=torch.float64),
        torch.randn(5, 4, generator=generator, dtype=torch.float64),
    )
    ours = State(*ours)
    for _ in range(3):
        x = torch.randn(5, 3, generator=generator, dtype=torch.float64)
        state, ours = theirs(x, state), cell(x, ours)
    torch.testing.assert_close(tuple(ours), state)


def test_a_cell_starts_from_what_it_has_learned() -> None:
    cell = LSTM(inputs=3, size=2)
    with torch.no_grad():
        cell.output.value.copy_(torch.tensor([1.0, 2.0]))
    assert cell.start(3).output.tolist() == [[1.0, 2.0]] * 3
    assert cell.start(3).memory.tolist() == [[0.0, 0.0]] * 3


def test_a_start_is_reset_to_zeros() -> None:
    start = Start(2, 3)
    with torch.no_grad():
        start.value.fill_(5.0)
    start.reset_parameters()
    assert start(4).shape == (4, 2, 3)
    assert (start.value == 0).all()


def test_filters_are_those_of_the_paper(generator) -> None:
    size, height, width = 3, 5, 7
    parameters = torch.randn(2, 5, generator=generator, dtype=torch.float64) / 2
    laid = window(parameters, size, height, width)
    for n, (x, y, log_variance, log_stride, log_intensity) in enumerate(parameters.tolist()):
        assert laid.intensity[n].item() == pytest.approx(math.exp(log_intensity))
        stride = (max(height, width) - 1) / (size - 1) * math.exp(log_stride)
        for filters, offset, pixels in ((laid.rows, y, height), (laid.columns, x, width)):
            for i in range(1, size + 1):
                mean = (pixels + 1) / 2 * (offset + 1) + (i - size / 2 - 0.5) * stride
                weights = [math.exp(-((a - mean) ** 2) / (2 * math.exp(log_variance))) for a in range(1, pixels + 1)]
                expected = [weight / sum(weights) for weight in weights]
                assert filters[n, i - 1].tolist() == pytest.approx(expected)


def test_zeros_lay_the_grid_over_the_whole_image() -> None:
    image = torch.arange(81.0).view(1, 1, 9, 9)
    seen = window(torch.tensor([[0.0, 0.0, SHARP, 0.0, 0.0]]), 3, 9, 9).read(image)
    torch.testing.assert_close(seen, image[:, :, ::4, ::4])


def test_the_centre_moves_the_grid_and_the_stride_narrows_it() -> None:
    image = torch.arange(81.0).view(1, 1, 9, 9)
    to_column_7, to_row_3 = 7 / 5 - 1, 3 / 5 - 1  # counted from 1; the centre of 9 pixels is 5
    seen = window(torch.tensor([[to_column_7, to_row_3, SHARP, math.log(1 / 4), math.log(2)]]), 3, 9, 9).read(image)
    torch.testing.assert_close(seen, 2 * image[:, :, 1:4, 5:8])


def test_a_filter_far_outside_still_sums_to_one() -> None:
    laid = window(torch.tensor([[50.0, -50.0, SHARP, 3.0, 0.0]]), 4, 8, 8)
    for filters in (laid.rows, laid.columns):
        torch.testing.assert_close(filters.sum(-1), torch.ones(1, 4))


def test_a_single_filter_stands_at_the_centre() -> None:
    image = torch.arange(25.0).view(1, 1, 5, 5)
    assert window(torch.tensor([[0.0, 0.0, SHARP, 0.0, 0.0]]), 1, 5, 5).read(image).item() == 12


def test_what_is_written_sharply_is_read_again(generator) -> None:
    laid = window(torch.tensor([[0.0, 0.0, SHARP, 0.0, 0.7]]), 3, 9, 9)
    patch = torch.randn(1, 2, 3, 3, generator=generator)
    torch.testing.assert_close(laid.read(laid.write(patch)), patch)


def test_writing_is_the_transpose_of_reading(generator) -> None:
    laid = window(torch.randn(4, 5, generator=generator, dtype=torch.float64), 3, 6, 8)
    patches = torch.randn(4, 2, 3, 3, generator=generator, dtype=torch.float64)
    images = torch.randn(4, 2, 6, 8, generator=generator, dtype=torch.float64)
    written = (laid.write(patches) * images).sum((1, 2, 3)) * laid.intensity
    read = (laid.read(images) * patches).sum((1, 2, 3)) / laid.intensity
    torch.testing.assert_close(written, read)


@pytest.mark.parametrize("shape", [ImageShape(1, 8, 8), ImageShape(3, 5, 7)])
def test_readers_give_as_much_as_they_say_and_writers_fill_the_canvas(shape: ImageShape, generator) -> None:
    x, error = torch.randn(2, 4, *shape, generator=generator)
    output = torch.randn(4, 6, generator=generator)
    whole = WholeReader(shape)
    torch.testing.assert_close(whole(x, error, output), torch.cat([x.flatten(1), error.flatten(1)], 1))
    reader = AttentiveReader(shape, size=3, inputs=6)
    assert whole.outputs == 2 * shape.pixels
    assert reader(x, error, output).shape == (4, reader.outputs) == (4, 2 * shape.channels * 9)
    for writer in (WholeWriter(shape, 6), AttentiveWriter(shape, 3, 6)):
        assert writer(output).shape == (4, *shape)

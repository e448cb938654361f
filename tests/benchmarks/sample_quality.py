"""What sample quality costs at a measured epoch, and the classification accuracy score beside it.

An untrained conditional GAN of perceptrons, of digits and of MNIST, one thread. Times are of the processor and include
the drawing of the samples; what is computed once for a data set, its classifier and the features of its real images, is
left out.
"""

import argparse
import sys
import time
from pathlib import Path

import torch
from scoreboard import Measured, Promise, announce

from models import Batch, ImageShape
from models.presets.gan import ConditionalGAN
from sweeper.training.data import Images, Split, data_folder, find, resident
from sweeper.training.job import Precision
from sweeper.training.measures import Measure, Subject
from sweeper.training.measures.accuracy_score import AccuracyScore
from sweeper.training.measures.quality import Quality


def subject_of(images: Images, split: Split, count: int) -> Subject:
    """Return an untrained model, to be measured on the first images of a split."""
    model = ConditionalGAN().build(ImageShape(*images.shape), torch.Generator().manual_seed(0), classes=images.classes)
    assert split.labels is not None
    batch = Batch(split.images[:count] / 255, split.labels[:count])
    return Subject(
        model.eval(), batch, Precision(1, count), "fld", lambda: torch.Generator().manual_seed(1), thorough=True
    )


def seconds(name: str, measure: Measure, subject: Subject, rounds: int) -> Measured:
    """Return the seconds of a measurement, after one that does not count."""
    measure(subject)
    samples = []
    for _ in range(rounds):
        started = time.process_time()
        measure(subject)
        samples.append(time.process_time() - started)
    return Measured(name, tuple(samples))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    folder = data_folder(arguments.data_dir)
    digits, mnist = (resident(find(name)(), folder, "cpu") for name in ("digits", "mnist"))
    few, some, all_of_test = (
        subject_of(images, split, count)
        for images, split, count in (
            (digits, digits.validation, 250),
            (mnist, mnist.validation, 1000),
            (mnist, mnist.test, 10_000),
        )
    )
    measured = [
        seconds("250 digits", Quality(digits), few, arguments.rounds),
        seconds("1,000 of MNIST", Quality(mnist), some, arguments.rounds),
        seconds("10,000 of MNIST", Quality(mnist), all_of_test, arguments.rounds),
        seconds("cas, digits", AccuracyScore(digits), few, arguments.rounds),
        seconds("cas, MNIST", AccuracyScore(mnist), some, arguments.rounds),
    ]
    bounds = (0.1, 0.5, 20, 5, 15)
    promises = [Promise(one.name, one.median, "at most", bound) for one, bound in zip(measured, bounds, strict=True)]
    return announce("sample_quality", "s", measured, measured[0], promises)


if __name__ == "__main__":
    sys.exit(main())

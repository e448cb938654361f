"""Protects that an exception is put down to what is at fault: the model, the trial's share of memory, or the disk."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from sweeper.errors import SweeperError
from sweeper.training.failing import failure_of, peak_resident
from sweeper.training.job import Failure

CUDA = (
    "CUDA out of memory. Tried to allocate 220.00 MiB. GPU 0 has a total capacity of 139.81 GiB of which 10.12 GiB is "
    "free. Process 5321 has 5.60 GiB memory in use. 5.10 GiB allowed; Of the allocated memory 4.98 GiB is allocated by "
    "PyTorch, and 21.50 MiB is reserved by PyTorch but unallocated."
)
MAIN_MEMORY = (
    "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "2306867200 bytes. Error code 12 (Cannot allocate memory)"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a trial."""
    folder = tmp_path / "trials" / "0003-fc-abc"
    folder.mkdir(parents=True)
    return folder


def raised(kind: type[Exception], act: Callable[[], object]) -> Exception:
    with pytest.raises(kind) as caught:
        act()
    return caught.value


def within(folder: Path, code: int) -> OSError:
    return OSError(code, os.strerror(code), str(folder / "last" / "state.json"))


class TestModel:
    def test_an_exception_is_told_in_one_line(self, folder: Path) -> None:
        assert failure_of(RuntimeError("no\nand more"), folder) == Failure("RuntimeError: no")
        assert failure_of(AssertionError(), folder) == Failure("AssertionError: ")

    @pytest.mark.parametrize("code", [errno.ENOENT, errno.EACCES, errno.EIO, errno.ENOSPC])
    def test_a_file_of_its_own_that_a_model_cannot_use_is_its_own_affair(
        self, folder: Path, tmp_path: Path, code: int
    ) -> None:
        error = OSError(code, os.strerror(code), str(tmp_path / "weights.bin"))
        assert failure_of(error, folder).kind == "exception"

    def test_a_file_that_is_missing_in_a_folder_that_is_there_is_a_defect(self, folder: Path) -> None:
        assert failure_of(within(folder, errno.ENOENT), folder).kind == "exception"

    def test_a_descriptor_is_no_path(self, folder: Path) -> None:
        assert failure_of(raised(OSError, lambda: os.fstat(999)), folder).kind == "exception"
        assert failure_of(OSError(errno.EIO, "gone", 7), folder).kind == "exception"


class TestMemory:
    @pytest.fixture(autouse=True)
    def peak(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The process never had more than 5,101 MiB."""
        monkeypatch.setattr("sweeper.training.failing.peak_resident", lambda: 5101 * 2**20)

    def test_what_a_trial_needed_on_an_accelerator_is_what_pytorch_says(self, folder: Path) -> None:
        assert failure_of(torch.OutOfMemoryError(CUDA), folder) == Failure(
            "out of memory: needed at least 5,320 MiB (had 5,100, asked for 220 more)", "out_of_memory"
        )

    @pytest.mark.parametrize(
        ("error", "asked"),
        [
            (RuntimeError(MAIN_MEMORY), "asked for 2,200 more"),
            (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1048576 bytes."), "1 more"),
            (MemoryError("Unable to allocate 7.5 GiB for an array with shape (1000,)"), "asked for 7,680 more"),
        ],
    )
    def test_in_main_memory_it_is_the_peak_of_its_process_and_what_it_asked_for(
        self, folder: Path, error: Exception, asked: str
    ) -> None:
        failure = failure_of(error, folder)
        assert failure.kind == "out_of_memory"
        assert "(had 5,101, " in failure.reason
        assert failure.reason.endswith(f"{asked})")

    @pytest.mark.parametrize(
        "error",
        [
            MemoryError(),
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            OSError(errno.ENOMEM, "Cannot allocate memory"),
        ],
    )
    def test_where_nobody_says_how_much_was_asked_for_it_needed_more_than_it_had(
        self, folder: Path, error: Exception
    ) -> None:
        assert failure_of(error, folder) == Failure("out of memory: needed more than 5,101 MiB", "out_of_memory")

    def test_what_pytorch_really_raises_is_known(self, folder: Path) -> None:
        failure = failure_of(raised(RuntimeError, lambda: torch.empty(2**47, dtype=torch.uint8)), folder)
        assert failure.kind == "out_of_memory"
        assert f"asked for {2**27:,} more" in failure.reason

    def test_it_is_found_under_what_was_raised_from_it(self, folder: Path) -> None:
        def wrapped() -> None:
            try:
                raise MemoryError
            except MemoryError as error:
                raise ValueError("cannot build the model") from error

        assert failure_of(raised(ValueError, wrapped), folder).kind == "out_of_memory"


def test_the_peak_of_a_process_is_at_least_what_it_has() -> None:
    assert peak_resident() >= len(bytearray(64 * 2**20))


class TestDisk:
    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.EACCES])
    def test_what_befalls_a_file_of_the_trial_is_no_fault_of_it(self, folder: Path, code: int) -> None:
        failure = failure_of(within(folder, code), folder)
        assert failure.kind == "storage"
        assert str(folder / "last" / "state.json") in failure.reason

    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
    def test_a_write_may_fail_without_the_name_of_the_file(self, folder: Path, code: int) -> None:
        failure = failure_of(OSError(code, os.strerror(code)), folder)
        assert failure.kind == "storage"
        assert str(folder) in failure.reason

    def test_a_full_disk_is_told_with_what_is_free(self, folder: Path) -> None:
        reason = failure_of(within(folder, errno.ENOSPC), folder).reason
        assert reason.startswith(f"no space left on device: {folder / 'last' / 'state.json'} (")
        assert " free); make room" in reason

    def test_a_folder_that_is_gone_is_told(self, tmp_path: Path) -> None:
        gone = tmp_path / "sweep" / "trials" / "0000-fc"
        failure = failure_of(raised(FileNotFoundError, gone.mkdir), gone)
        assert failure.kind == "storage"
        assert str(gone) in failure.reason

    @pytest.mark.parametrize(
        "message",
        [
            "Error while serializing: I/O error: No space left on device (os error 28)",
            'Error while serializing: IoError(Os { code: 28, kind: StorageFull, message: "No space left on device" })',
        ],
    )
    def test_safetensors_words_it_on_its_own(self, folder: Path, message: str) -> None:
        failure = failure_of(SafetensorError(message), folder)
        assert failure.kind == "storage"
        assert failure.reason.startswith(f"no space left on device: {folder} (")

    def test_it_is_found_under_the_line_that_was_made_of_it(self, folder: Path) -> None:
        error = SweeperError("last: cannot be read")
        error.__cause__ = within(folder, errno.EIO)
        assert failure_of(error, folder).kind == "storage"

    def test_tensors_that_are_damaged_are_no_matter_of_the_disk(self, folder: Path) -> None:
        assert failure_of(SafetensorError("Error while deserializing: InvalidHeader"), folder).kind == "exception"

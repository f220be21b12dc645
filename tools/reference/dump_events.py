"""Event records as TensorBoard itself writes them: tests/fixtures/run/events.bin.

Needs `pip install tensorboard==2.20.0`. With a folder as argument it reads that folder's event files
with TensorBoard and prints the scalars instead.
"""

import pathlib
import sys

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def dump(path: pathlib.Path) -> None:
    summary = summary_pb2.Summary()
    for tag, value in [("loss", 0.1), ("é", -2.0)]:
        summary.value.add(tag=tag, simple_value=value)
    events = [
        event_pb2.Event(wall_time=1.5, file_version="brain.Event:2"),
        event_pb2.Event(
            wall_time=2.0, step=201, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        ),
        event_pb2.Event(wall_time=1234567890.125, step=300, summary=summary),
    ]
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())


def show(folder: str) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(folder)
    accumulator.Reload()
    for tag in accumulator.Tags()["scalars"]:
        print(tag, [(event.step, event.value) for event in accumulator.Scalars(tag)])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        show(sys.argv[1])
    else:
        dump(pathlib.Path(__file__).parents[2] / "tests/fixtures/run/events.bin")

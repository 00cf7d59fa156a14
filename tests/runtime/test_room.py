"""How often the disk is looked at, and what a look is good for."""

from pipeline.runtime.room import Room


def test_a_look_is_good_for_as_many_as_there_is_room_for() -> None:
    room = Room()
    assert not room.is_known(0.0, 10)
    room.note(0.0, 10, 2)
    for _ in range(2):
        assert room.is_known(0.0, 10)
        room.take()
    assert not room.is_known(0.0, 10)


def test_a_look_is_good_for_a_moment_and_for_no_larger_outputs() -> None:
    room = Room()
    room.note(0.0, 10, 100)
    assert room.is_known(0.04, 10)
    assert not room.is_known(0.04, 11)
    assert not room.is_known(0.06, 10)

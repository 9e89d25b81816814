import socket

from serving.hangup import has_hung_up


def test_the_end_is_seen_behind_unread_bytes() -> None:
    """Half a connection's end or the whole, with or without bytes before it; a silent client is there."""
    for end in (lambda side: side.close(), lambda side: side.shutdown(socket.SHUT_WR)):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert not has_hung_up(ours.fileno())
            theirs.sendall(b"unread")
            assert not has_hung_up(ours.fileno())
            end(theirs)
            assert has_hung_up(ours.fileno())


def test_no_descriptor_tells_nothing() -> None:
    """Work that came over no connection is never given up."""
    assert not has_hung_up(-1)

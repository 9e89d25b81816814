"""`python -m load_tests VERB`. Sockets are patched before anything else is imported: gevent asks for it."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402 # after the patch

from load_tests.cli import main  # noqa: E402 # after the patch

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m ml.train` trains the network; see `ml.train.training`."""

import sys

from ml.train.training import main

if __name__ == "__main__":
    sys.exit(main())

"""Long work in the background: its kinds, its run in a worker, its recovery, and the rows of the page Tasks."""

"""Entry point of the command ``python -m app``; what it does is in `app.cli.main`."""

import gc

if __name__ == "__main__":
    gc.disable()  # before the imports: next to nothing of what a start makes is garbage; `settle` turns it on again
    from app.cli.main import main

    main()

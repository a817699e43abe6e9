"""Entry point of the command ``python -m app``; see `app.cli.main`."""

import gc
import sys

if __name__ == "__main__":
    # Loading makes next to no garbage, and looking for it takes time; `app.serving.serve` enables collection again.
    gc.disable()
    if len(sys.argv) == 1 or sys.argv[1].startswith("-"):  # serves; does not run a subcommand
        from app.serving.signals import handle_early_signals

        handle_early_signals(importing=True)
    from app.telemetry.log_writer import keep_standard_descriptors

    keep_standard_descriptors()
    from app.cli.main import main

    main()

"""The command csearch. It imports inside of `main`, to handle Ctrl-C during the imports."""


def main() -> None:
    """The command `csearch`; it ends the process."""
    try:
        import gc

        gc.disable()  # takes 0.7 ms, and the process ends too soon to need it
        from csearch.command import end, run_command
        from csearch.search.session import search

        end(run_command("csearch", search))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()

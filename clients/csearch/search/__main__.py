"""csearch: finds photos by a description. The imports are inside, since Ctrl-C may come then."""


def main() -> None:
    """The command `csearch`; it ends the process."""
    try:
        import gc

        gc.disable()  # a short life with few cycles; looking for them takes 0.7 ms
        from csearch.command import end, run_command
        from csearch.search.session import search

        end(run_command("csearch", search))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()

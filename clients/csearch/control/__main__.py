"""The command csearchctl. It imports inside of `main`, to handle Ctrl-C during the imports."""


def main() -> None:
    """The command `csearchctl`; it ends the process."""
    try:
        from csearch.command import end, run_command
        from csearch.control.commands import control

        end(run_command("csearchctl", control))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()

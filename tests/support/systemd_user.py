"""A real `systemd --user`, where PID 1 need not be systemd: in mounts and a cgroup of its own.

Needs root, to make both; the manager and all that it starts run as an ordinary user.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from support.user import SECONDS, User, wait_for

UID = 64321  # nobody's
GROUP = 64322  # a supplementary one
MANAGER = "/lib/systemd/systemd"
_TOOLS = ("systemctl", "systemd-analyze", "nsenter", "unshare", "setpriv", "dbus-daemon")


def _missing() -> str:
    """Why no such session can be had here."""
    if os.getuid() != 0:
        return "needs root"
    if not os.path.exists(MANAGER) or not all(map(shutil.which, _TOOLS)):
        return "needs systemd, util-linux and dbus-user-session"
    python = Path(sys.executable).resolve()
    if not all(part.stat().st_mode & 0o001 for part in (python, *python.parents)):
        return f"needs a Python that other users can run, not {python}"
    return ""


needs_systemd = pytest.mark.skipif(bool(_missing()), reason=_missing())

# What a session has before the manager starts: a runtime directory and a cgroup of its own.
_SESSION = """
set -e
mount --make-rprivate /
mkdir -p /run/systemd
mount -t tmpfs -o mode=755 tmpfs /run/systemd
mkdir /run/systemd/system
mkdir /run/systemd/unit-root /run/systemd/mount-rootfs  # before and since systemd 257
mkdir -p /run/user /media
mount -t tmpfs -o mode=755 tmpfs /run/user
mount -t tmpfs -o mode=755 tmpfs /media
mount --make-shared /media
(cat /etc/passwd; echo "someone:x:$UID_:$UID_:Someone:$HOME:/bin/sh") >/run/user/passwd
mount --bind /run/user/passwd /etc/passwd
mkdir -m 700 /run/user/$UID_; chown $UID_:$UID_ /run/user/$UID_
umount -R -l /sys/fs/cgroup || true
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup$CGROUP"
chown -R $UID_:$UID_ "/sys/fs/cgroup$CGROUP"
echo $$ > "/sys/fs/cgroup$CGROUP/cgroup.procs"
exec setpriv --reuid $UID_ --regid $UID_ --groups $GROUP_ env -i HOME="$HOME" PATH="$PATH" \
  XDG_RUNTIME_DIR=/run/user/$UID_ LANG=C.UTF-8 /lib/systemd/systemd --user
"""


class SystemdUser(User):
    """A user with a systemd of their own, whose runtime directory only that user's processes see.

    The commands run as that user, in that session.
    """

    def __init__(self) -> None:
        home = Path(tempfile.mkdtemp(prefix="csearch-session-"))
        super().__init__(home)
        self.runtime = Path(f"/run/user/{UID}")
        self.address = self.runtime / "csearch" / "csearch.sock"
        kept = ("PATH", "PYTHONPATH")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.environment |= {
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "LANG": "C.UTF-8",
        }
        self.own()
        self._log = (home / "manager.log").open("wb")
        cgroup = f"/user.slice/user-{UID}.slice/user@{UID}-{os.getpid()}.service"
        session = {"UID_": str(UID), "GROUP_": str(GROUP), "CGROUP": cgroup}
        self._cgroup = cgroup
        self.manager = subprocess.Popen(
            ["unshare", "-m", "bash", "-c", _SESSION],
            env={**os.environ, **self.environment, **session},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        try:
            wait_for(lambda: self.systemctl("show-environment", check=False)[0] == 0, "systemd")
        except BaseException:
            self.end()
            raise

    def own(self) -> None:
        """What the tests have made in the home becomes the user's."""
        subprocess.run(["chown", "-R", "-h", f"{UID}:{UID}", self.home], check=True)

    def inside(self, *command: object, root: bool = False) -> list[str]:
        """`command` as it is run in the session."""
        assert self.manager.poll() is None, self.log()
        # -r: the tests may run in a root of their own.
        enter = ["nsenter", "-m", "-r", "-t", str(self.manager.pid)]
        user = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--groups", str(GROUP)]
        return [*enter, *([] if root else user), *map(str, command)]

    def run(
        self, module: str, *arguments: object, check: int | None = 0, **options: Any
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            self.inside(sys.executable, "-P", "-m", module, *map(_text, arguments)),
            env=self.environment,
            cwd="/",
            capture_output=True,
            timeout=SECONDS * 2,
            **options,
        )
        if check is not None:
            assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
        return done

    def shell(self, script: str, root: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs a shell's script in the session."""
        command = self.inside("sh", "-c", script, root=root)
        return subprocess.run(
            command, env=self.environment, cwd="/", capture_output=True, text=True, timeout=SECONDS
        )

    def systemctl(self, *arguments: str, check: bool = True) -> tuple[int, str]:
        done = subprocess.run(
            self.inside("systemctl", "--user", *arguments),
            env=self.environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.returncode, done.stdout.strip()

    def property(self, unit: str, name: str) -> str:
        return self.systemctl("show", f"--property={name}", "--value", unit)[1]

    def drop_in(self, lines: str) -> None:
        """Starts the service anew, with these lines in place of its unit's."""
        file = self.home / ".config/systemd/user/csearchd.service.d/test.conf"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"[Service]\n{lines}\n")
        self.own()
        self.systemctl("daemon-reload")
        self.systemctl("restart", "csearchd.service")

    def main_pid(self) -> int:
        return int(self.property("csearchd.service", "MainPID"))

    def sandboxed(self, script: str) -> subprocess.CompletedProcess[str]:
        """Runs a shell's script within the running service: its namespaces, its user."""
        spaces = ["-m", "-r", "-U", "-n", "--preserve-credentials"]
        enter = ["nsenter", *spaces, "-t", str(self.main_pid())]
        user = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--keep-groups"]
        return subprocess.run(
            [*user, *enter, "sh", "-c", script],
            env=self.environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def log(self) -> str:
        text = (self.home / "manager.log").read_text(errors="replace")
        return text + super().log()

    def end(self) -> None:
        procs = Path(f"/tmp/cgroup-{os.getpid()}")
        if self.manager.poll() is None:
            self.manager.send_signal(signal.SIGRTMIN + 24)  # exit.target, at once
            try:
                self.manager.wait(20)
            except subprocess.TimeoutExpired:
                pass
        _kill_cgroup(procs, self._cgroup)
        if self.manager.poll() is None:
            self.manager.kill()
        self.manager.wait()
        self._log.close()
        shutil.rmtree(self.home, ignore_errors=True)


def _kill_cgroup(mountpoint: Path, cgroup: str) -> None:
    """Ends what a session has left, and removes its cgroup."""
    script = f"""
mkdir -p {mountpoint}; mount -t cgroup2 none {mountpoint}
echo 1 > {mountpoint}{cgroup}/cgroup.kill
for _ in $(seq 50); do
  grep -q 'populated 0' {mountpoint}{cgroup}/cgroup.events && break; sleep 0.1
done
find {mountpoint}{cgroup} -depth -type d -exec rmdir {{}} +
"""
    subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True)
    if mountpoint.is_dir():
        mountpoint.rmdir()


def _text(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)

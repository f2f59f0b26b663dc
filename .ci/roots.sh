# Roots of Debian's releases, in which things are tried; sourced, by root, where debootstrap is. What
# is mounted here has to be in a mount namespace of one's own.

# own_mounts PROGRAM ARGUMENT…: runs the program again, in a mount namespace that goes with it.
own_mounts() {
  if [ -z "${CSEARCH_OWN_MOUNTS:-}" ]; then
    CSEARCH_OWN_MOUNTS=1 exec unshare --mount --propagation private "$@"
  fi
  unset CSEARCH_OWN_MOUNTS
}

# make_root RELEASE OF ROOT: fills the empty directory ROOT with Debian's RELEASE and nothing else.
# OF is the release that runs.
make_root() {
  local mirror root=$3 authorities=/etc/ssl/certs/ca-certificates.crt
  chmod 755 "$root"
  # The mirror that this machine itself uses.
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk -v release="$2" '$2 == release { print $1; exit }')
  debootstrap --variant=minbase --include=ca-certificates "$1" "$root" "$mirror" >"$root.log" 2>&1 ||
    { cat "$root.log" >&2; return 1; }
  rm "$root.log"
  chmod 1777 "$root/tmp"
  # A mirror may be signed by an authority that this machine alone knows.
  cp "$authorities" "$root$authorities"
  cp "$authorities" "$root/opt/authorities.crt"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # nothing is started by its package
  chmod 755 "$root/usr/sbin/policy-rc.d"
}

# mount_root ROOT: makes it one that programs can run in.
mount_root() {
  mount --bind "$1" "$1" # a root directory that is a mount point, as programs expect
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  mount --rbind /sys "$1/sys"
  mount -t tmpfs tmpfs "$1/run"
}

# remove_root ROOT
remove_root() {
  umount -R -l "$1"/{proc,dev,sys,run} "$1" 2>/dev/null || true
  rm -rf --one-file-system "$1"
}

# pip in a root: PIP_CERT names the authorities there, and files of this machine aren't.
export PIP_CERT=/opt/authorities.crt
unset PIP_FIND_LINKS PIP_CONSTRAINT

# enter ROOT COMMAND ARGUMENT…: runs a command there.
# Not chroot: in one no user namespace can be made, which sandboxed services need.
enter() {
  unshare --mount --propagation private sh -c '
    root=$1; shift
    mkdir -p "$root/.old" && cd "$root" && pivot_root . .old && cd / && umount -l /.old &&
      exec "$@"' - "$@"
}

# get_packages ROOT ARGUMENT…: `apt-get ARGUMENT…`, quietly and without what is only recommended.
get_packages() {
  local root=$1
  shift
  DEBIAN_FRONTEND=noninteractive enter "$root" apt-get -y -qq -o Acquire::Retries=3 \
    --no-install-recommends "$@" >/dev/null
}

# What the tests need of Debian, by release; sourced. CI must have all of it: there a test that skips
# for want of a program fails.

# packages RELEASE: the names of the packages, for the code name of a release.
packages() {
  local common=(
    python3-venv imagemagick libimage-exiftool-perl exiv2 util-linux mount e2fsprogs exfatprogs
    exfat-fuse btrfs-progs bindfs fuse3 git git-annex acl procps darktable
    dbus dbus-user-session systemd libglib2.0-bin desktop-file-utils
    plasma-workspace xvfb
    zsh fish bash-completion tmux mandoc man-db groff
    # The desktops, in which the integrations are tried.
    nautilus python3-nautilus openbox xdotool at-spi2-core python3-gi adwaita-icon-theme
    gir1.2-adw-1 gir1.2-atspi-2.0 gir1.2-gtk-3.0 gir1.2-gtk-4.0 gettext fonts-dejavu-core
    gnome-shell python3-dbusmock digikam
  )
  case $1 in
    bookworm) echo "${common[@]}" baloo-kf5 qdbus-qt5 tracker tracker-extract ;;
    *) echo "${common[@]}" baloo6 qdbus-qt6 localsearch tracker-extract ;;
  esac
}

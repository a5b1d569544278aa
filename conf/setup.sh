# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What ./check and ./quickstart share: the one list of Debian packages, and a
# private copy of the sources to build in. TOP is the source tree.

# To build and install.
PACKAGES_BUILD="autoconf automake gcc libc6-dev libconfig-dev libiscsi-dev libjansson-dev
	libtool libuv1-dev make nbdkit nbdkit-plugin-dev perl pkg-config xz-utils"

# To see it work: the array, and clients.
PACKAGES_DEMO="e2fsprogs libnbd-bin procps python3 tgt"

# To test all of it.
PACKAGES_CHECK="bash-completion binutils clang fio fuse3 git libclang-rt-dev libcmocka-dev
	libiscsi-bin libnbd-dev python3-libnbd qemu-block-extra qemu-system-common qemu-utils valgrind"

# To test on other targets than tgtd: istgt, and LIO in a virtual machine, whose
# kernel tests/vm/prepare gets.
PACKAGES_TARGETS="busybox-static cpio istgt kmod qemu-system-x86"

say()
{
	echo "==> $*"
}

die()
{
	echo "$0: $*" >&2
	exit 1
}

# become_root ARGS...: starts the script again through sudo unless it is root.
become_root()
{
	[ "$(id -u)" != 0 ] || return 0
	command -v sudo >/dev/null || die "needs root (no sudo here)"
	say "needs root: going on through sudo"
	exec sudo -- "$0" "$@"
}

# install_packages NAME...: installs those that are missing, with apt.
install_packages()
{
	local name missing=()
	if ! command -v dpkg-query >/dev/null; then
		say "not a Debian system: please see to these yourself:" "$@"
		return 0
	fi
	for name in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | head -n 1)" = installed ] ||
			missing+=("$name")
	done
	if [ ${#missing[@]} = 0 ]; then
		say "packages: nothing is missing"
		return 0
	fi
	say "packages: installing ${missing[*]}"
	apt_get -q update || die "apt-get update failed"
	apt_get -q install -y --no-install-recommends "${missing[@]}" || die "apt-get install failed"
	# These would leave a daemon on port 3260 at the next boot.
	for name in istgt tgt; do
		if [[ " ${missing[*]} " = *" $name "* ]] && [ -d /run/systemd/system ]; then
			systemctl disable --now --quiet $name || :
		fi
	done
}

apt_get()
{
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >/dev/null </dev/null
}

# copy_sources DIR: the files of the source tree as they are now, committed or
# not, without what was built there.
copy_sources()
{
	local list
	mkdir -p "$1"
	# As root in another user's checkout, git must be told that it may read.
	if list=$(git -c safe.directory='*' -C "$TOP" ls-files -co --exclude-standard 2>/dev/null) &&
		[ -n "$list" ]; then
		while IFS= read -r file; do
			[ ! -e "$TOP/$file" ] || printf '%s\n' "$file"
		done <<<"$list" | tar -C "$TOP" -c -T - | tar -C "$1" -x
	else
		tar -C "$TOP" -c --exclude=./.git . | tar -C "$1" -x
		if [ -f "$1/Makefile" ]; then
			make -C "$1" -s distclean || :
		fi
	fi
	(cd "$1" && ./bootstrap) >"$1/bootstrap.log" 2>&1 || {
		cat "$1/bootstrap.log" >&2
		die "bootstrap failed"
	}
}

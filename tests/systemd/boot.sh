#!/bin/sh
# A machine of its own, from the files of this one: a systemd as first process, on a file system of which nothing is
# ever written here (an overlay in memory), with the project's copy in /opt/aquareel-nonreg. Called by keeper.py, as
# first process of new namespaces: boot.sh CGROUP SOURCE VENV PREFIX INIT…
set -eu
cgroup=$1 source=$2 venv=$3 prefix=$4
shift 4
project=/opt/aquareel-nonreg

# 1. The whole file system, over which ours is written, in memory.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/written /run/work /run/root
mount -t overlay -o lowerdir=/,upperdir=/run/written,workdir=/run/work overlay /run/root
new=/run/root
mount -t tmpfs -o mode=755 tmpfs $new/run
mkdir $new/run/lock
mount -t tmpfs -o mode=1777 tmpfs $new/tmp
mount -t proc proc $new/proc
mount --bind $new/proc/sys $new/proc/sys
mount -o remount,bind,ro $new/proc/sys # settings of the kernel are everybody's
mount -t tmpfs -o mode=755 tmpfs $new/dev
for name in null zero full random urandom tty; do
    touch $new/dev/$name
    mount --bind /dev/$name $new/dev/$name
done
mkdir $new/dev/pts $new/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts $new/dev/pts
ln -s pts/ptmx $new/dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs $new/dev/shm
ln -s /proc/self/fd $new/dev/fd

# 2. The project: what is committed, then what is not yet, with this environment's packages.
export GIT_CONFIG_GLOBAL=/run/gitconfig GIT_OPTIONAL_LOCKS=0
printf '[safe]\ndirectory = *\n' > $GIT_CONFIG_GLOBAL
rm -rf $new$project
git clone -q "$source" $new$project
git -C "$source" diff --binary HEAD | git -C $new$project apply --allow-empty
git -C "$source" ls-files -z --others --exclude-standard | tar -C "$source" --null -T - -c | tar -C $new$project -x --no-same-owner
mkdir $new$project/.venv /run/venv /run/venv-work
mount -t overlay -o "lowerdir=$venv,upperdir=/run/venv,workdir=/run/venv-work" overlay $new$project/.venv
sed -i "s#^/.*#$project#" $new$project/.venv/lib/python3*/site-packages/*.pth # where the editable project lies
if [ -n "$prefix" ]; then # a Python in somebody's home, which hardened units do not see
    mkdir $new/opt/python
    mount --bind "$prefix" $new/opt/python
    mount -o remount,bind,ro $new/opt/python
    sed -i 's#^home = .*#home = /opt/python/bin#' $new$project/.venv/pyvenv.cfg
    ln -sf /opt/python/bin/python3 $new$project/.venv/bin/python
    ln -sf python $new$project/.venv/bin/python3
    echo /opt/python/lib > $new/etc/ld.so.conf.d/python.conf
    chroot $new ldconfig
fi
mkdir -p "$new$source"
mount -t tmpfs -o ro tmpfs "$new$source" # the copy does not lean on what it is copied from

# 3. Of what this machine starts with nothing is started there, but the journal.
: > $new/etc/fstab
units=/lib/systemd/system
rm -rf $new$units/*.target.wants $new/lib/systemd/system-generators $new/etc/systemd/system $new/var/log/journal
mkdir -p $new/etc/systemd/system/sysinit.target.wants
ln -s $units/systemd-journald.service $new/etc/systemd/system/sysinit.target.wants/

# 4. Nothing of the old file system is left in sight; its own control groups are all that there are.
echo 0 > "$cgroup/cgroup.procs"
cd $new
mkdir run/old
pivot_root . run/old
umount -l run/old
rmdir run/old
# shellcheck disable=SC2016 - for the inner shell
exec unshare --cgroup sh -ec '
    mount -t sysfs -o ro sysfs /sys
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount --make-rshared /
    exec env -i container=nonreg "$@"' sh "$@"

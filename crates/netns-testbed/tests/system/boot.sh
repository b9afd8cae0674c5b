# Starts systemd as process 1 of the file system below $1, which is writable through the overlay directories $2/upper and $2/work.
# Runs in pid, mount, uts, ipc and cgroup namespaces of its own and in the network namespace that it finds.
set -eu
lower=$1 disk=$2
root=$disk/root
mount --make-rprivate /
mkdir -p "$root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$disk/upper,workdir=$disk/work" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
# What is not of the network namespace belongs to the host.
mount -t proc proc mnt
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind mnt/sys/net proc/sys/net
mount -t tmpfs -o mode=755 tmpfs run
cp proc/sys/kernel/printk run/printk
mount --bind run/printk proc/sys/kernel/printk
umount mnt
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty kmsg; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
ln -s /proc/self/fd dev/fd
mkdir -p old
pivot_root . old
umount -l /old
hostname rampart
exec env -i container=rampart PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-level=warning --show-status=0

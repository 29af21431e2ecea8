# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The targets that sptgtd is put in front of, each with one disk of 160 MiB on a port of the loopback. Sourced after guest.sh.
upstream_iqn=iqn.2026-11.org.sptgt:upstream
tgtd_port=3261
tgtd_url=iscsi://127.0.0.1:$tgtd_port/$upstream_iqn-tgtd/1
lio_port=3262
lio_url=iscsi://127.0.0.1:$lio_port/$upstream_iqn-lio/0

# Debian's tgtd. It counts its LUNs from 1 (LUN 0 is its controller) and does not end on SIGTERM while it has targets.
tgtd_start() {
	truncate -s 160M /dev/shm/tgtd.disk
	setsid tgtd -f --iscsi portal=127.0.0.1:$tgtd_port >$scratch/tgtd.log 2>&1 </dev/null &
	await 30 'tgtd answers' tgtadm --lld iscsi --mode target --op show
	try 20 'tgtd: target' tgtadm --lld iscsi --mode target --op new --tid 1 -T $upstream_iqn-tgtd
	try 20 'tgtd: disk' tgtadm --lld iscsi --mode logicalunit --op new --tid 1 --lun 1 -b /dev/shm/tgtd.disk
	try 20 'tgtd: thin' tgtadm --lld iscsi --mode logicalunit --op update --tid 1 --lun 1 \
		--params thin_provisioning=1
	try 20 'tgtd: access' tgtadm --lld iscsi --mode target --op bind --tid 1 -I ALL
	say "tgtd serves a disk at port $tgtd_port"
}

tgtd_stop() {
	try 20 'tgtd: offline' tgtadm --lld iscsi --mode target --op delete --force --tid 1
	try 20 'tgtd: end' tgtadm --op delete --mode system
}

# The kernel's own target, set up by its configfs tree, with a file in memory as its disk. It looks for the directory of its
# reservation records once, when its core is loaded.
lio_start() {
	local root=/sys/kernel/config/target core portal module
	mkdir -p /etc/target/pr /etc/target/alua
	for module in target_core_mod target_core_file iscsi_target_mod; do
		try 30 "load $module" modprobe $module
	done
	mountpoint -q /sys/kernel/config || try 10 'mount configfs' mount -t configfs configfs /sys/kernel/config
	core=$root/core/fileio_0/disk
	portal=$root/iscsi/$upstream_iqn-lio/tpgt_1
	truncate -s 160M /dev/shm/lio.disk
	mkdir -p $core
	echo fd_dev_name=/dev/shm/lio.disk,fd_dev_size=$((160 << 20)) >$core/control
	echo 1 >$core/enable
	echo 1 >$core/attrib/emulate_tpu
	echo 1 >$core/attrib/emulate_tpws
	mkdir -p $root/iscsi "$portal/lun/lun_0" "$portal/np/127.0.0.1:$lio_port"
	ln -s $core "$portal/lun/lun_0/disk"
	echo 0 >"$portal/attrib/authentication"
	echo 1 >"$portal/attrib/generate_node_acls"
	echo 1 >"$portal/attrib/cache_dynamic_acls"
	echo 0 >"$portal/attrib/demo_mode_write_protect"
	echo 1 >"$portal/enable"
	await 10 'LIO listens' listening $lio_port
	say "LIO serves a disk at port $lio_port"
}

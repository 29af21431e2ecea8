# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A tape library as local SCSI devices: the tool "library" behind the kernel's user-space devices (TCMU), reached by its
# loopback adapter. Sourced after guest.sh.

units='changer drive0 drive1'
target_root=/sys/kernel/config/target

# library_start MEBIBYTES [lio]: two drives and a changer with four cartridges of that size, by the loopback adapter, or by the
# kernel's iSCSI target and initiator (which can move more at once). Sets $local_changer, $local_drive0 and $local_drive1 to the
# sg nodes.
library_start() {
	local unit core
	mkdir -p /etc/target/pr /etc/target/alua
	for unit in target_core_mod target_core_user; do try 30 "load $unit" modprobe $unit; done
	mountpoint -q /sys/kernel/config || try 10 'mount configfs' mount -t configfs configfs /sys/kernel/config
	for unit in $units; do
		core=$target_root/core/user_0/$unit
		mkdir -p $core
		echo "dev_config=sptgt/$unit,dev_size=1048576" >$core/control
		echo 1 >$core/enable || fail "TCMU does not take $unit"
	done
	setsid "$TOOLS/library" "$1" >$scratch/library.log 2>&1 </dev/null &
	await 20 'the library is ready' grep -q ready $scratch/library.log
	"library_${2:-loop}"
	await 60 'the library is there' sh -c '[ $(lsscsi -g | grep -c "SPTGT.*/dev/sg") = 3 ]'
	read -r -a library_nodes <<<"$(lsscsi -g | sed -n 's/.*SPTGT.*\(\/dev\/sg[0-9]*\).*/\1/p' | tr '\n' ' ')"
	local_changer=${library_nodes[0]} local_drive0=${library_nodes[1]} local_drive1=${library_nodes[2]}
	say "the library: changer $local_changer, drives $local_drive0 and $local_drive1"
}

library_luns() { # PORT-DIRECTORY
	local lun=0 unit
	for unit in $units; do
		mkdir -p "$1/lun/lun_$lun"
		ln -s $target_root/core/user_0/$unit "$1/lun/lun_$lun/$unit"
		lun=$((lun + 1))
	done
}

library_loop() {
	local port=$target_root/loopback/naa.6001405000000001/tpgt_1
	try 30 'load tcm_loop' modprobe tcm_loop
	mkdir -p $port
	echo naa.6001405000000002 >$port/nexus
	library_luns $port
}

library_lio() {
	local iqn=iqn.2026-11.org.sptgt:library port
	port=$target_root/iscsi/$iqn/tpgt_1
	try 30 'load iscsi_target_mod' modprobe iscsi_target_mod
	mkdir -p $target_root/iscsi "$port/np/127.0.0.1:3262"
	library_luns "$port"
	echo 0 >"$port/attrib/authentication"
	echo 1 >"$port/attrib/generate_node_acls"
	echo 1 >"$port/attrib/cache_dynamic_acls"
	echo 0 >"$port/attrib/demo_mode_write_protect"
	echo 1 >"$port/enable"
	await 10 'LIO listens' listening 3262
	discover 3262 $iqn
	login 3262 $iqn
}

# tape_of HCTL: its non-rewinding node
tape_of() { echo "/dev/n$(basename "$(echo /sys/class/scsi_device/"$1"/device/scsi_tape/st?)")"; }

# library_export MEBIBYTES: the same library through sptgtd and the kernel's initiator, its second drive read-only. Sets $changer,
# $drive, $tape and $tape_1 to the remote nodes, $local_tape to the local one.
library_export() {
	local hctl
	library_start "$1"
	initiator_start
	sptgtd_start <<INI
[device-changer]
backend = sg
path = $local_changer
[device-drive0]
backend = sg
path = $local_drive0
[device-drive1]
backend = sg
path = $local_drive1
[target-vm]
name = $iqn
portal = main
lun.0 = changer
lun.1 = drive0
lun.2 = drive1 read-only
initiators = $initiator
INI
	discover "$port" $iqn
	login "$port" $iqn
	nodes_of $iqn 0 sg
	changer=$sg
	nodes_of $iqn 1 sg
	drive=$sg
	for hctl in "$(scsi_of $iqn 1)" "$(scsi_of $iqn 2)"; do
		await 20 "$hctl has a tape node" test -d "/sys/class/scsi_device/$hctl/device/scsi_tape"
	done
	tape=$(tape_of "$(scsi_of $iqn 1)")
	tape_1=$(tape_of "$(scsi_of $iqn 2)")
	local_tape=/dev/nst0
	await 10 "$tape_1 exists" test -c "$tape_1"
	say "through sptgt: changer $changer, tapes $tape and $tape_1"
}

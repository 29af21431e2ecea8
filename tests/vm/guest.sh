# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What every story uses inside the VM: it tells what it does, waits with a bound, runs sptgtd and the peers, and
# ends with a reason when something is not as it should be. Sourced, never run. On an emulated CPU a process costs 25 to 70
# ms: what is done often is done by the shell itself.
#
# $SPTGTD is the daemon, $SPTGTCTL its control client, $TOOLS the directory of the helpers built for these tests.
set -uo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
scratch=/run/story
iqn=iqn.2026-11.org.sptgt:vm
initiator=iqn.2026-11.org.sptgt:initiator
sptgtd_pid=
mkdir -p $scratch

now() { local up; read -r up _ </proc/uptime; echo "$up"; }
elapsed() { # since what now() has said, in seconds
	local up tenths
	read -r up _ </proc/uptime
	tenths=$(((10#${up/./} - 10#${1/./}) / 10))
	echo "$((tenths / 10)).$((tenths % 10))"
}
say() { local up; read -r up _ </proc/uptime; printf '[%6.1f] %s\n' "$up" "$*"; }

# fail REASON: the story ends here, with what the daemon and the kernel last said
fail() {
	say "FAILED: $*"
	[ ! -s $scratch/sptgtd.log ] || { echo '--- the end of the log of sptgtd'; tail -n 40 $scratch/sptgtd.log; }
	echo '--- the end of the kernel log'
	dmesg | tail -n 15
	exit 1
}

# try SECONDS WHAT COMMAND...: COMMAND must succeed within SECONDS; its output is shown only when it does not
try() {
	local limit=$1 what=$2 status
	shift 2
	timeout -k 5 "$limit" "$@" >$scratch/output 2>&1 </dev/null
	status=$?
	[ $status != 0 ] || return 0
	cat $scratch/output
	[ $status != 124 ] || fail "$what: not done after $limit s"
	fail "$what: status $status of: $*"
}

# refused SECONDS WHAT COMMAND...: COMMAND must fail, and within SECONDS
refused() {
	local limit=$1 what=$2 status
	shift 2
	timeout -k 5 "$limit" "$@" >$scratch/output 2>&1 </dev/null
	status=$?
	[ $status != 0 ] || { cat $scratch/output; fail "$what: succeeded, and should not have"; }
	[ $status != 124 ] || fail "$what: not refused after $limit s"
}

# await SECONDS WHAT COMMAND...: until COMMAND succeeds, asked again five times a second
await() {
	local limit=$1 what=$2 start
	shift 2
	start=$SECONDS
	until "$@" >/dev/null 2>&1; do
		[ $((SECONDS - start)) -lt "$limit" ] || fail "$what: still not so after $limit s"
		sleep 0.2
	done
}

# same WHAT FILE FILE: the two must not differ in a byte
same() { cmp -s "$2" "$3" || { diff -a "$2" "$3" | head -n 20; fail "$1: they differ"; }; }

listening() { grep -q -i ":$(printf %04x "$1") .* 0A " /proc/net/tcp; }

# sptgtd_config: the devices and targets told on stdin, with the lines of $daemon_keys in the daemon's own section, and $workers loops (1)
sptgtd_config() {
	{
		printf '[daemon]\nworkers = %s\ncontrol-socket = %s/control.sock\nstate-dir = %s/state\n' "${workers:-1}" \
			$scratch $scratch
		printf '%s\n' "${daemon_keys:-}"
		printf '[portal-main]\nlisten = 127.0.0.1:0\n'
		cat
	} >$scratch/sptgt.conf
}

# sptgtd_start: the daemon on a free port of the loopback with that configuration. Sets $port.
sptgtd_start() {
	sptgtd_config
	mkdir -p $scratch/state
	try 60 'sptgtd --check' "$SPTGTD" --config $scratch/sptgt.conf --check
	"$SPTGTD" --config $scratch/sptgt.conf --log stderr --log-level "${SPTGTD_LOG_LEVEL:-info}" \
		>$scratch/sptgtd.log 2>&1 </dev/null &
	sptgtd_pid=$!
	await 30 'sptgtd is ready' grep -q -w ready $scratch/sptgtd.log
	port=$(sed -n 's/.*portal main: listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' $scratch/sptgtd.log | head -n 1)
	[ -n "$port" ] || fail 'sptgtd does not say where it listens'
	say "sptgtd listens on port $port"
}

# sptgtd_reload: it goes on with another configuration
sptgtd_reload() {
	local before
	sptgtd_config
	before=$(grep -c 'reload: .* is in use' $scratch/sptgtd.log)
	kill -HUP "$sptgtd_pid"
	await 30 'the other configuration is in use' \
		sh -c "[ \$(grep -c 'reload: .* is in use' $scratch/sptgtd.log) -gt $before ]"
}

sptgtd_alive() { kill -0 "$sptgtd_pid" 2>/dev/null || fail 'sptgtd is gone'; }

no_sanitizer_report() {
	! grep -q -E 'ERROR: (Address|Leak|Thread)Sanitizer|runtime error:' $scratch/sptgtd.log ||
		fail 'a sanitizer complained in sptgtd'
}

# sptgtd_stop [SECONDS]: SIGTERM; it must drain and end with status 0 in time
sptgtd_stop() {
	local limit=${1:-20} start status
	sptgtd_alive
	start=$(now)
	kill "$sptgtd_pid"
	( sleep "$limit"; kill -KILL "$sptgtd_pid" ) 2>/dev/null & local watch=$!
	wait "$sptgtd_pid"
	status=$?
	kill $watch 2>/dev/null
	wait $watch 2>/dev/null
	[ $status != 137 ] || fail "sptgtd did not end within $limit s of SIGTERM"
	[ $status = 0 ] || fail "sptgtd ended with status $status"
	no_sanitizer_report
	say "sptgtd drained and ended with status 0 after $(elapsed "$start") s"
	sptgtd_pid=
}

# initiator_start [SETTING...]: iscsid with settings of its own, added to open-iscsi's defaults
initiator_start() {
	mkdir -p /run/lock/iscsi /etc/iscsi
	rm -rf /etc/iscsi/nodes /etc/iscsi/send_targets
	echo "InitiatorName=$initiator" >/etc/iscsi/initiatorname.iscsi
	printf '%s\n' 'iscsid.startup = /bin/true' 'node.startup = manual' "$@" >/etc/iscsi/iscsid.conf
	setsid iscsid -f >$scratch/iscsid.log 2>&1 </dev/null &
	await 15 'iscsid answers' sh -c 'iscsiadm -m session 2>&1 | grep -q -e "No active" -e tcp:'
}

# discover PORT IQN: SendTargets must name IQN
discover() {
	try 30 "discovery at port $1" iscsiadm -m discovery -t sendtargets -p "127.0.0.1:$1"
	grep -q -F "$2" $scratch/output || { cat $scratch/output; fail "discovery does not name $2"; }
}

# login PORT IQN: open-iscsi logs in
login() {
	try 60 "login to $2" iscsiadm -m node -T "$2" -p "127.0.0.1:$1" --login
	say "open-iscsi is logged in to $2"
}

logout() {
	try 60 "logout from $2" iscsiadm -m node -T "$2" -p "127.0.0.1:$1" --logout
	say "open-iscsi is logged out from $2"
}

# scsi_of IQN LUN: the H:C:T:L of a LUN that open-iscsi has from target IQN
scsi_of() {
	local s
	for s in /sys/class/iscsi_session/session*; do
		[ "$(<"$s/targetname")" = "$1" ] || continue
		for s in "$s"/device/target*/*:*:*:"$2"; do
			[ -d "$s" ] || continue
			echo "${s##*/}"
			return
		done
	done
	return 1
}

node_name() {
	local n
	for n in /sys/class/scsi_device/"$1"/device/"$2"/*; do
		[ ! -d "$n" ] || echo "${n##*/}"
	done
}

# debug_hctls: the H:C:T:L of each device of scsi_debug
debug_hctls() {
	local d
	for d in /sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*:*:*:*; do
		[ ! -d "$d" ] || echo "${d##*/}"
	done
}

# nodes_of IQN LUN KIND: sets $sg and, for KIND block, $disk to the device nodes of that LUN
nodes_of() {
	local hctl
	await 20 "LUN $2 of $1 appears" scsi_of "$1" "$2"
	hctl=$(scsi_of "$1" "$2")
	await 20 "$hctl has an sg node" test -d "/sys/class/scsi_device/$hctl/device/scsi_generic"
	sg=/dev/$(node_name "$hctl" scsi_generic)
	disk=
	[ "$3" = block ] || return 0
	await 20 "$hctl has a block node" test -d "/sys/class/scsi_device/$hctl/device/block"
	disk=/dev/$(node_name "$hctl" block)
	await 20 "$disk exists" test -b "$disk"
}

debug_present() { [ -n "$(debug_hctls)" ]; }

# debug_device KIND: sets $local_sg and, for KIND block, $local_disk to the nodes of the scsi_debug device
debug_device() {
	local hctl
	await 20 'scsi_debug has a device' debug_present
	hctl=$(debug_hctls)
	hctl=${hctl%%$'\n'*}
	await 20 "$hctl has an sg node" test -d "/sys/class/scsi_device/$hctl/device/scsi_generic"
	local_sg=/dev/$(node_name "$hctl" scsi_generic)
	await 20 "$local_sg exists" test -c "$local_sg"
	local_disk=
	[ "$1" = block ] || return 0
	await 20 "$hctl has a block node" test -d "/sys/class/scsi_device/$hctl/device/block"
	local_disk=/dev/$(node_name "$hctl" block)
}

# debug_set NAME VALUE: an attribute of scsi_debug; refused by the kernel for a moment while commands run
debug_set() {
	await 20 "scsi_debug takes $1=$2" sh -c "echo '$2' >/sys/bus/pseudo/drivers/scsi_debug/$1"
}

# cdbs TABLE NODE BLOCK-LENGTH OUTPUT [SECONDS]: run a table of CDBs, each with that timeout
cdbs() {
	sed -E "s/@([0-9]*)BS@/\$(( \1 * $3 ))/g; s/\(\( +\*/((/" "$1" | while IFS= read -r line; do
		case $line in
		*'$(('*) eval "echo \"$line\"" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done >$scratch/table
	timeout -k 5 120 "$TOOLS/cdbs" "$2" "${5:-60}" <$scratch/table >"$4" || { tail -n 5 "$4"; fail "the table did not run on $2"; }
}

# device_answers FILE: of what a table gave, the answers that are the device's own: not standard INQUIRY data and pages
# 83h and 88h, which tell of target ports, nor their groups
device_answers() { grep -a -v -E '^(inquiry|vpd 83|vpd 88).*status=00|^report target port groups' "$1" >"$1.own"; }

# same_answers WHAT: $scratch/direct and $scratch/through, but for what tells of target ports
same_answers() {
	device_answers $scratch/direct
	device_answers $scratch/through
	same "$1" $scratch/direct.own $scratch/through.own
}

# same_identity LOCAL THROUGH IQN: the logical unit says that it is the same, and that it is reached by a port of IQN
same_identity() {
	local node name
	for node in "$1" "$2"; do
		name=$scratch/identity.${node##*/}
		try 20 "INQUIRY of $node" sg_inq -r "$node"
		dd if=$scratch/output of="$name" bs=1 skip=8 count=28 2>/dev/null
		try 20 "serial number of $node" sg_vpd -p sn "$node"
		cat $scratch/output >>"$name"
		try 20 "logical unit of $node" sg_vpd -p di_lu "$node"
		cat $scratch/output >>"$name"
	done
	same "the identity of $1 and $2" $scratch/identity.${1##*/} $scratch/identity.${2##*/}
	grep -q -i naa "$name" || { cat "$name"; fail "$1 has no NAA designator to compare"; }
	try 20 "target port of $2" sg_vpd -p di_port "$2"
	grep -q -F "$3,t,0x0001" $scratch/output || { cat $scratch/output; fail "$2 does not tell of its port at $3"; }
	! grep -q -i naa $scratch/output || { cat $scratch/output; fail "$2 tells of a port that is not ours"; }
	try 20 "target device of $2" sg_vpd -p di_target "$2"
	grep -q -F "$3" $scratch/output || { cat $scratch/output; fail "$2 does not tell of its target $3"; }
	say "the identity of $2 is that of $1, reached by a port of $3"
}

# equal WHAT: $scratch/direct and $scratch/through, but for what tells of target ports. Where the local host adapter has failed
# (it gave no status of the device's), the answer through sptgt has to be an error, too.
equal() {
	local failed=$scratch/failed side
	device_answers $scratch/direct
	device_answers $scratch/through
	grep -a -v ' host=0 ' $scratch/direct.own | sed 's/: .*/:/' >$failed
	for side in direct through; do grep -a -v -F -f $failed $scratch/$side.own >$scratch/$side.sound; done
	same "$1" $scratch/direct.sound $scratch/through.sound
	[ -s $scratch/through.own ] || fail "$1: there are no answers"
	grep -a -F -f $failed $scratch/through.own >$scratch/through.failed
	! grep -q 'status=00' $scratch/through.failed || fail "$1: GOOD, where the host adapter has failed"
	[ "$(wc -l <$scratch/through.failed)" = "$(wc -l <$failed)" ] || fail "$1: answers are missing"
	say "$1: $(wc -l <$scratch/direct.sound) answers are equal, $(grep -c 'status=02' $scratch/direct.sound) of them with" \
		"sense, $(grep -c 'status=02.*data=[1-9]' $scratch/direct.sound) with data beside it," \
		"$(grep -c -v 'resid=0' $scratch/direct.sound) with a residual; $(wc -l <$failed) errors of the adapter are errors"
}

# filesystem TYPE DISK DIRECTORY: mkfs, mount, copy DIRECTORY there, umount, fsck, mount again, compare
filesystem() {
	local start
	start=$(now)
	mkdir -p /mnt
	case $1 in
	ext4) try 120 "mkfs.ext4 $2" mkfs.ext4 -q -F "$2" ;;
	xfs) try 120 "mkfs.xfs $2" mkfs.xfs -q -f "$2" ;;
	esac
	try 60 "mount $2" mount -t "$1" "$2" /mnt
	try 120 "copy to $2" cp -r "$3" /mnt/copy
	try 120 "sync $2" sync -f /mnt/copy
	try 120 "umount $2" umount /mnt
	case $1 in
	ext4) try 120 "fsck of $2" e2fsck -f -n "$2" ;;
	xfs) try 120 "xfs_repair of $2" xfs_repair -n "$2" ;;
	esac
	try 60 "mount $2 again" mount -t "$1" -o ro "$2" /mnt
	try 120 "compare the files on $2" diff -r "$3" /mnt/copy
	try 120 "umount $2 again" umount /mnt
	say "$1 on $2: made, mounted, written, unmounted, checked, compared in $(elapsed "$start") s"
}

# some_files DIRECTORY KIB: files of several sizes with contents that do not repeat
some_files() {
	mkdir -p "$1/deep/er"
	head -c "$2K" /dev/urandom >"$1/large"
	head -c 100000 /dev/urandom >"$1/deep/medium"
	head -c 1 /dev/urandom >"$1/deep/er/small"
	: >"$1/deep/empty"
}

ended() {
	local status=$?
	[ -z "$sptgtd_pid" ] || kill -KILL "$sptgtd_pid" 2>/dev/null
	[ $status != 0 ] || say 'the story ends well'
}
trap ended EXIT

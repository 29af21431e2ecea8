# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A second initiator beside the first, and what both are told. Sourced after guest.sh.
second_initiator=iqn.2026-11.org.sptgt:second

# second_login PORT IQN: the same kernel by another name
second_login() {
	try 10 'a second name' iscsiadm -m iface -I second -o new
	try 10 'its initiator name' iscsiadm -m iface -I second -o update -n iface.initiatorname -v $second_initiator
	try 10 'its node record' iscsiadm -m node -I second -T "$2" -p "127.0.0.1:$1" -o new
	try 60 'login of the second initiator' iscsiadm -m node -I second -T "$2" -p "127.0.0.1:$1" --login
	say 'a second initiator is logged in'
}

# second_sg IQN LUN: the sg node that the second initiator has of that LUN
second_sg() {
	local session hctl
	for session in /sys/class/iscsi_session/session*; do
		[ "$(cat "$session/initiatorname")" = $second_initiator ] || continue
		await 20 "the second initiator has LUN $2" sh -c "ls -d $session/device/target*/*:*:*:$2/scsi_generic/sg*"
		hctl=$(basename "$(echo "$session"/device/target*/*:*:*:"$2")")
		echo "/dev/$(node_name "$hctl" scsi_generic)"
	done
}

# What TEST UNIT READY says: "expect WHAT NODE PATTERN", with these beginnings of patterns
sense_2='status=02 .*sense=[0-9]*:700002'	# NOT READY
sense_6='status=02 .*sense=[0-9]*:700006'	# UNIT ATTENTION
unit_ready() { echo 'test unit ready | none | 00 00 00 00 00 00' | "$TOOLS/cdbs" "$1"; }
expect() {
	unit_ready "$2" >$scratch/sense
	grep -q -E "$3" $scratch/sense || { cat $scratch/sense; fail "$1 on $2: not $3"; }
	say "$1, $2: $(grep -o 'status=.*' $scratch/sense)"
}

# told_once NODE NODE: both initiators get the unit attention of a medium that has changed (SPC-5: 28h), once, and then it is ready.
# A drive may be NOT READY for a while first.
told_once() {
	local node start=$SECONDS
	while unit_ready "$1" >$scratch/sense; grep -q -E "$sense_2" $scratch/sense; do
		[ $((SECONDS - start)) -lt 20 ] || fail "$1 does not become ready"
		sleep 0.2
	done
	grep -q -E "$sense_6.{18}28" $scratch/sense || { cat $scratch/sense; fail "$1 is not told of the new medium"; }
	say "a new medium, $1: $(grep -o 'status=.*' $scratch/sense)"
	expect 'a new medium' "$2" "$sense_6.{18}28"
	for node; do expect 'ready' "$node" 'status=00'; done
}

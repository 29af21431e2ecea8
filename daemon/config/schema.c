/* SPDX-License-Identifier: MIT */
/* The schema: one row a key. Limits of negotiated keys are those of RFC 7143 clause 13. */
#include "config/schema.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/values.h"

#define FIELD(type, member) .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member)
#define SECONDS(n)          ((uint64_t)(n) * 1000000)
/* DataSegmentLength and burst lengths: 512 to 2**24 - 1 (RFC 7143 13.12 to 13.14). */
#define SEGMENT_MIN         512
#define SEGMENT_MAX         ((1u << 24) - 1)

#define ALGORITHMS          "SHA3-256,SHA-256,SHA1,MD5"

static const char *const LEVELS[] = { "err", "warning", "notice", "info", "debug", NULL };
static const char *const AUTHS[] = { "none", "chap", NULL };
/* As enum config_state. */
static const char *const STATES[] = { "online", "offline", "removed", NULL };
/* As enum config_order. */
static const char *const ORDERS[] = { "initiator", "target", NULL };
/* As enum config_reservations. */
static const char *const RESERVATIONS[] = { "emulate", "raw", NULL };

/* As enum config_target_reset. */
static const char *const TARGET_RESETS[] = { "allow", "deny", "unsupported", NULL };

#define D(member) FIELD(struct config_daemon, member)
static const struct schema_key DAEMON[] = {
	{ { "workers", SPT_OPTION_NUMBER, false, "auto", 1, 64, NULL,
		"Event loops, one thread each; auto is one for each CPU" },
		SCHEMA_RESTART, .parse = value_auto, .form = "auto or a number", D(workers) },
	{ { "poll", SPT_OPTION_DURATION, false, "100us", 0, 10000, NULL,
		"How long an event loop may stay awake for the next command, where commands come one by "
		"one and sooner than that: being woken takes longer than most of them. One processor is "
		"always left to others, and an idle daemon sleeps. 0 is never" },
		SCHEMA_RESTART, D(poll_us) },
	{ { "gather", SPT_OPTION_DURATION, false, "100us", 0, 1000, NULL,
		"How long an event loop that is faster than its initiators may pause at most, so that commands gather that are cheaper "
		"to take and answer together. It does so only where it has measured that no fewer of them are served "
		"with a pause than without. 0 is never" },
		SCHEMA_RESTART, D(gather_us) },
	{ { "balance-interval", SPT_OPTION_DURATION, false, "1s", 0, SECONDS(3600), NULL,
		"How often it is looked whether an event loop has more to do than it can while another one has time: "
		"then a session with a part of the work is moved there, which is a pause of some milliseconds for "
		"it; 0 is never" },
		SCHEMA_LIVE, D(balance_interval_us) },
	{ { "memory", SPT_OPTION_SIZE, false, "auto", 128ull << 20, 1ull << 40, NULL,
		"Memory that the payload of all sessions' commands may hold together, beside what disks "
		"in memory are made of; over it they get TASK SET FULL or BUSY. auto is a quarter "
		"of the machine's" },
		SCHEMA_LIVE, .parse = value_auto_size, .form = "auto or a size", D(memory_bytes) },
	{ { "control-socket", SPT_OPTION_STRING, false, "/run/sptgt/control.sock", 1, 107, NULL,
		"The Unix socket that sptgtctl talks to; only its owner may use it" },
		SCHEMA_RESTART, .parse = value_or_none, .form = "path, or none",
		D(control_socket) },
	{ { "state-dir", SPT_OPTION_STRING, false, "/var/lib/sptgt", 1, 4095, NULL,
		"Directory of what must survive a restart, such as the identity that serial "
		"numbers of emulated disks are made of" },
		SCHEMA_RESTART, .form = "path", D(state_dir) },
	{ { "log-level", SPT_OPTION_CHOICE, false, "info", 0, 0, LEVELS,
		"Messages below this level are not logged" },
		SCHEMA_LIVE, .parse = value_log_level, D(log_level) },
	{ { "drain-timeout", SPT_OPTION_DURATION, false, "20s", 0, SECONDS(3600), NULL,
		"How long a stopping daemon waits for commands in flight before it ends their "
		"sessions" },
		SCHEMA_LIVE, D(drain_timeout_us) },
	{ { "max-connections", SPT_OPTION_NUMBER, false, "1024", 1, 65536, NULL,
		"TCP connections of all portals together; one more is closed as soon as it is "
		"made" },
		SCHEMA_LIVE, D(max_connections) },
	{ { "max-logins", SPT_OPTION_NUMBER, false, "64", 1, 65536, NULL,
		"Connections whose login is not finished; while there are so many, others wait to be "
		"accepted" },
		SCHEMA_LIVE, D(max_logins) },
	{ { "login-timeout", SPT_OPTION_DURATION, false, "15s", SECONDS(1), SECONDS(600), NULL,
		"How long a login may take from the connection on" },
		SCHEMA_LIVE, D(login_timeout_us) },
	{ { "logout-wait", SPT_OPTION_DURATION, false, "3s", 0, SECONDS(600), NULL,
		"How long an initiator has that is asked to log out, because the daemon stops or its "
		"target is not for it any more, before its session is dropped; 0 does not ask" },
		SCHEMA_LIVE, D(logout_wait_us) },
	{ { "discovery-auth", SPT_OPTION_CHOICE, false, "none", 0, 0, AUTHS,
		"Whether an initiator has to prove who it is before it may ask which targets there "
		"are" },
		SCHEMA_NEW_LOGINS, .parse = value_auth, D(discovery_auth.chap) },
	{ { "discovery-chap-file", SPT_OPTION_STRING, false, NULL, 1, 4095, NULL,
		"The users that may do so, and their secrets: see SECRETS" },
		SCHEMA_NEW_LOGINS, .form = "path", .sample = "/etc/sptgt/discovery.secret",
		D(discovery_auth.chap_file) },
	{ { "discovery-chap-algorithms", SPT_OPTION_STRING, false, ALGORITHMS, 3, 40, NULL,
		"What CHAP may be computed with in discovery sessions, in our order of preference" },
		SCHEMA_NEW_LOGINS, .parse = value_algorithms,
		.form = "comma list of SHA3-256, SHA-256, SHA1, MD5",
		D(discovery_auth.algorithms) },
	{ { "discovery-chap-order", SPT_OPTION_CHOICE, false, "initiator", 0, 0, ORDERS,
		"As chap-order of a target, in discovery sessions" },
		SCHEMA_NEW_LOGINS, D(discovery_auth.order) },
	{ { "isns", SPT_OPTION_STRING, false, NULL, 1, 1100, NULL,
		"iSNS servers (RFC 4171) that all targets are registered with, by the first of them "
		"that answers; port 3205 unless told; a name is looked up at each connection. Who sees them there is for the server's "
		"discovery domains to say; who may log in is for initiators" },
		SCHEMA_LIVE, .parse = value_isns, .sample = "192.0.2.53",
		.form = "comma list of ADDRESS[:PORT], [IPV6ADDRESS][:PORT] or NAME[:PORT]", D(isns) },
	{ { "isns-entity", SPT_OPTION_STRING, false, NULL, 1, 255, NULL,
		"The Entity Identifier that all of this daemon is registered as; made from the name "
		"and the identity of the machine unless told" },
		SCHEMA_LIVE, .parse = value_entity_identifier, .sample = "storage.example.org",
		.form = "3 to 255 letters, digits and . - _ :", D(isns_entity) },
	{ { "isns-period", SPT_OPTION_DURATION, false, "10min", SECONDS(20), SECONDS(86400), NULL,
		"The Registration Period asked for: without a word from us for so long the server "
		"forgets us. It is asked twice as often" },
		SCHEMA_LIVE, D(isns_period_us) },
	{ { "isns-port", SPT_OPTION_NUMBER, false, "0", 0, 65535, NULL,
		"TCP port where iSNS servers, and nobody else, may ask whether we live and tell what "
		"has changed; 0 takes a free one" },
		SCHEMA_LIVE, D(isns_port) },
	{ { "user", SPT_OPTION_STRING, false, NULL, 1, 255, NULL,
		"Become this user after start-up, keeping the capabilities that pass-through "
		"needs" },
		SCHEMA_RESTART, .form = "user name", .sample = "sptgt", D(user) },
	{ { "group", SPT_OPTION_STRING, false, NULL, 1, 255, NULL,
		"Become this group instead of the user's own" },
		SCHEMA_RESTART, .form = "group name", .sample = "sptgt", D(group) },
};

#define P(member) FIELD(struct config_portal, member)
static const struct schema_key PORTAL[] = {
	{ { "listen", SPT_OPTION_STRING, true, NULL, 1, 1000, NULL,
		"Addresses to listen on, in numbers; port 3260 unless told, port 0 takes a free "
		"one. 0.0.0.0 and [::] are all addresses of the machine. A socket that the service "
		"manager hands over under the portal's name takes the place of them" },
		SCHEMA_REOPEN, .parse = value_listens, P(listen),
		.form = "comma list of ADDRESS[:PORT], IPv6 as [ADDRESS][:PORT]",
		.sample = "[::]:3260" },
	{ { "advertise", SPT_OPTION_STRING, false, NULL, 1, 1000, NULL,
		"Addresses that discovery tells instead of those that are listened on: what "
		"initiators see from behind a router that translates. Without it a portal that "
		"listens on all addresses is told as the one that the initiator came to" },
		SCHEMA_NEW_LOGINS, .parse = value_advertise, P(advertise),
		.form = "comma list of ADDRESS[:PORT], IPv6 as [ADDRESS][:PORT]",
		.sample = "192.0.2.1:3260" },
	{ { "tag", SPT_OPTION_NUMBER, false, "1", 1, 65535, NULL,
		"Target portal group tag: portals of one target with the same tag are one SCSI "
		"port" },
		SCHEMA_REOPEN, P(tag) },
	{ { "nop-interval", SPT_OPTION_DURATION, false, "15s", 0, SECONDS(3600), NULL,
		"Silence of an initiator after which it is asked for a sign of life; 0 never "
		"asks" },
		SCHEMA_NEW_LOGINS, P(nop_interval_us) },
	{ { "nop-timeout", SPT_OPTION_DURATION, false, "15s", SECONDS(1), SECONDS(3600), NULL,
		"How long the sign of life may take before the connection is closed" },
		SCHEMA_NEW_LOGINS, P(nop_timeout_us) },
};

#define V(member) FIELD(struct config_device, escalation.member)
static const struct schema_key DEVICE[] = {
	{ { "backend", SPT_OPTION_STRING, true, NULL, 1, 32, NULL,
		"What executes the commands; its own keys follow below" },
		SCHEMA_REOPEN, .form = "name of a backend", .sample = "mem" },
	{ { "abort-wait", SPT_OPTION_DURATION, false, "8s", 0, SECONDS(3600), NULL,
		"How long an aborted command may stay at the device before the next step: a reset, "
		"or fencing. 0 takes the next step at once" },
		SCHEMA_REOPEN, V(wait_us) },
	{ { "reset", SPT_OPTION_BOOL, false, "yes", 0, 0, NULL,
		"Reset a device that does not give an aborted command back in time" },
		SCHEMA_REOPEN, V(reset) },
	{ { "reset-wait", SPT_OPTION_DURATION, false, "5s", 0, SECONDS(3600), NULL,
		"How long after the reset the command may stay before the device is fenced: it "
		"answers NOT READY from then on and nothing that it still does reaches an "
		"initiator" },
		SCHEMA_REOPEN, V(reset_wait_us) },
	{ { "reservations", SPT_OPTION_CHOICE, false, "emulate", 0, 0, RESERVATIONS,
		"Who keeps reservations: emulate keeps them for each initiator, above the device; raw "
		"sends their commands to the device, for which we are one initiator all together" },
		SCHEMA_REOPEN, FIELD(struct config_device, reservations) },
	{ { "exclusive", SPT_OPTION_BOOL, false, "no", 0, 0, NULL,
		"One initiator at a time: the first that has a session. Others see the device and get "
		"RESERVATION CONFLICT from it, as if it had been reserved by RESERVE, until that "
		"initiator's last session ends" },
		SCHEMA_REOPEN, FIELD(struct config_device, exclusive) },
};

#define T(member) FIELD(struct config_target, member)
#define N(member) FIELD(struct config_target, negotiation.member)
static const struct schema_key TARGET[] = {
	{ { "name", SPT_OPTION_STRING, true, NULL, 1, 223, NULL, "The iSCSI name of the target" },
		SCHEMA_REOPEN, .parse = value_iscsi_name, .form = "iqn., eui. or naa. name",
		.sample = "iqn.2026-11.org.example:disk", T(name) },
	{ { "alias", SPT_OPTION_STRING, false, NULL, 1, 255, NULL,
		"TargetAlias, a text for people that initiators may show" },
		SCHEMA_NEW_LOGINS, .sample = "Scratch disk", T(alias) },
	{ { "portal", SPT_OPTION_STRING, true, NULL, 1, 1000, NULL,
		"The portals through which the target is reached: [portal-NAME] sections" },
		SCHEMA_LIVE, .form = "comma list of NAME", .sample = "main" },
	{ { "lun", SPT_OPTION_STRING, false, NULL, 1, 200, NULL,
		"lun.N = NAME: logical unit N, 0 to 16383, is the device of [device-NAME]; "
		"read-only after the name refuses what would change the medium" },
		SCHEMA_LIVE, .numbered = true, .form = "NAME [read-only]", .sample = "scratch" },
	{ { "lun.N.initiators", SPT_OPTION_STRING, false, NULL, 1, 1000, NULL,
		"Who of those that may log in sees logical unit N; all of them if there is no such "
		"key" },
		SCHEMA_LIVE, .form = "comma list of iSCSI names and patterns",
		.sample = "iqn.1994-05.com.redhat:b1" },
	{ { "lun.N.addresses", SPT_OPTION_STRING, false, NULL, 1, 1000, NULL,
		"From where logical unit N is seen; from everywhere if there is no such key. It is the "
		"address of a session's first connection that counts" },
		SCHEMA_LIVE, .form = "comma list of ADDRESS[/LENGTH], IPv4 or IPv6",
		.sample = "10.1.0.0/16" },
	{ { "lun.N.vendor", SPT_OPTION_STRING, false, NULL, 1, 8, NULL,
		"T10 VENDOR IDENTIFICATION that initiators are told of logical unit N; without it what "
		"the device is told as. So it is with the four keys that follow" },
		SCHEMA_LIVE, .sample = "ACME" },
	{ { "lun.N.product", SPT_OPTION_STRING, false, NULL, 1, 16, NULL,
		"PRODUCT IDENTIFICATION of logical unit N" },
		SCHEMA_LIVE, .sample = "Archive" },
	{ { "lun.N.revision", SPT_OPTION_STRING, false, NULL, 1, 4, NULL,
		"PRODUCT REVISION LEVEL of logical unit N" },
		SCHEMA_LIVE, .sample = "2" },
	{ { "lun.N.serial", SPT_OPTION_STRING, false, NULL, 1, SPT_SERIAL_MAX, NULL,
		"Unit serial number of logical unit N" },
		SCHEMA_LIVE, .sample = "A0001" },
	{ { "lun.N.naa", SPT_OPTION_STRING, false, NULL, 16, 32, NULL,
		"NAA designator (WWN) of logical unit N, 16 or 32 hexadecimal digits: paths with the "
		"same one are joined, and with another one they are not" },
		SCHEMA_LIVE, .sample = "3000000000000001" },
	{ { "initiators", SPT_OPTION_STRING, false, NULL, 1, 1000, NULL,
		"Who may log in. In a name * stands for any characters and ? for one; a lone * "
		"lets everybody in. Nobody else sees the target. More of them can stand in "
		"initiators.1, initiators.2 and so on" },
		SCHEMA_LIVE, .numbered = true, .form = "comma list of iSCSI names and "
			"patterns",
		.sample = "iqn.1994-05.com.redhat:b1" },
	{ { "addresses", SPT_OPTION_STRING, false, NULL, 1, 1000, NULL,
		"Where those may log in from: addresses, or prefixes with their length; from everywhere "
		"if there is no such key. From elsewhere nobody sees the target. More of them can stand "
		"in addresses.1, addresses.2 and so on" },
		SCHEMA_LIVE, .numbered = true, .form = "comma list of ADDRESS[/LENGTH], IPv4 or IPv6",
		.sample = "10.0.0.0/8, fd00::/8" },
	{ { "redirect", SPT_OPTION_STRING, false, NULL, 1, 1000, NULL,
		"Where the target is now: whoever may log in is sent there, to each of several in "
		"turn. Such a target needs no LUNs" },
		SCHEMA_NEW_LOGINS, .parse = value_redirects, T(redirect),
		.form = "comma list of ADDRESS[:PORT], [IPV6ADDRESS][:PORT] or NAME[:PORT]",
		.sample = "192.0.2.9:3260" },
	{ { "redirect-permanent", SPT_OPTION_BOOL, false, "no", 0, 0, NULL,
		"The target has moved for good, and initiators should remember where to" },
		SCHEMA_NEW_LOGINS, T(redirect_permanent) },
	{ { "state", SPT_OPTION_CHOICE, false, "online", 0, 0, STATES,
		"offline lets nobody log in for now, and initiators try again; removed tells them "
		"that the target is gone for good, and discovery does not name it" },
		SCHEMA_NEW_LOGINS, T(state) },
	{ { "auth", SPT_OPTION_CHOICE, false, "none", 0, 0, AUTHS,
		"Whether an initiator has to prove who it is: chap demands it, and none takes its "
		"word for its name" },
		SCHEMA_NEW_LOGINS, .parse = value_auth, T(auth.chap) },
	{ { "chap-file", SPT_OPTION_STRING, false, NULL, 1, 4095, NULL,
		"The users that may log in, and their secrets: see SECRETS" },
		SCHEMA_NEW_LOGINS, .form = "path", .sample = "/etc/sptgt/disk.secret",
		T(auth.chap_file) },
	{ { "chap-algorithms", SPT_OPTION_STRING, false, ALGORITHMS, 3, 40, NULL,
		"What CHAP may be computed with, in our order of preference; see chap-order" },
		SCHEMA_NEW_LOGINS, .parse = value_algorithms,
		.form = "comma list of SHA3-256, SHA-256, SHA1, MD5", T(auth.algorithms) },
	{ { "chap-order", SPT_OPTION_CHOICE, false, "initiator", 0, 0, ORDERS,
		"Who chooses where the initiator offers several of chap-algorithms. initiator: the first of its "
		"offer is taken, as RFC 7143 6.2.1 has it. target: of what it offers it may use the first of "
		"chap-algorithms only, so that an offer which begins with MD5 does not weaken the proof" },
		SCHEMA_NEW_LOGINS, T(auth.order) },
	{ { "max-sessions", SPT_OPTION_NUMBER, false, "64", 1, 65536, NULL,
		"Sessions of the target at one time" },
		SCHEMA_LIVE, T(max_sessions) },
	{ { "queue-depth", SPT_OPTION_NUMBER, false, "128", 1, 4096, NULL,
		"Commands a session may have outstanding: its command window" },
		SCHEMA_NEW_LOGINS, T(queue_depth) },
	{ { "budget", SPT_OPTION_SIZE, false, "64M", 1 << 20, 1ull << 40, NULL,
		"Memory that the payload of a session's commands may hold; over it they get TASK "
		"SET FULL" },
		SCHEMA_NEW_LOGINS, T(budget_bytes) },
	{ { "target-reset", SPT_OPTION_CHOICE, false, "allow", 0, 0, TARGET_RESETS,
		"What becomes of TARGET WARM RESET and TARGET COLD RESET, which end the commands of "
		"every initiator: done, or answered as not authorized or not supported" },
		SCHEMA_NEW_LOGINS, T(target_reset) },
	{ { "abort-data-wait", SPT_OPTION_DURATION, false, "2s", 0, SECONDS(60), NULL,
		"How long ABORT TASK SET and its relatives wait for data that the commands have "
		"asked for and for commands that are still on their way, before they act" },
		SCHEMA_NEW_LOGINS, T(abort_data_wait_us) },
	{ { "data-out-wait", SPT_OPTION_DURATION, false, "1min", SECONDS(1), SECONDS(3600), NULL,
		"How long the data of a write may stay away that was asked for or announced: then it is "
		"asked for again, up to three times, if ErrorRecoveryLevel is above 0; after that, or at "
		"level 0, the command ends with INITIATOR RESPONSE TIMEOUT. So does, at every level, a command that "
		"has waited for so long for one with a lower CmdSN, though it is answered when that has come" },
		SCHEMA_NEW_LOGINS, T(data_out_wait_us) },
	{ { "response-fence-wait", SPT_OPTION_DURATION, false, "10s", SECONDS(1), SECONDS(600), NULL,
		"How long, on a session with several connections whose TaskReporting is ResponseFence or "
		"FastAbort, a fenced response waits for the initiator to acknowledge others; the connection "
		"that has not acknowledged by then is closed" },
		SCHEMA_NEW_LOGINS, T(fence_wait_us) },
	{ { "scsi-events", SPT_OPTION_BOOL, false, "no", 0, 0, NULL,
		"Tell an initiator that has no command at a logical unit of each unit attention that comes to wait "
		"there, by an Asynchronous Message with its sense data. The message only tells: the unit attention "
		"waits for the next command as ever. Many initiators do nothing with it" },
		SCHEMA_NEW_LOGINS, T(scsi_events) },
	{ { "initial-r2t", SPT_OPTION_BOOL, false, "no", 0, 0, NULL,
		"InitialR2T: demand that an initiator waits for R2T before any unsolicited "
		"Data-Out" },
		SCHEMA_NEW_LOGINS, N(initial_r2t) },
	{ { "immediate-data", SPT_OPTION_BOOL, false, "yes", 0, 0, NULL,
		"ImmediateData: take data in the command PDU" },
		SCHEMA_NEW_LOGINS, N(immediate_data) },
	{ { "max-recv-data-segment-length", SPT_OPTION_SIZE, false, "256K", SEGMENT_MIN,
		SEGMENT_MAX, NULL, "MaxRecvDataSegmentLength: the largest data segment we take" },
		SCHEMA_NEGOTIATED, N(max_recv_data_segment_length) },
	{ { "max-burst-length", SPT_OPTION_SIZE, false, "1M", SEGMENT_MIN, SEGMENT_MAX, NULL,
		"MaxBurstLength: the most data of one Data-In or solicited Data-Out sequence" },
		SCHEMA_NEW_LOGINS, N(max_burst_length) },
	{ { "first-burst-length", SPT_OPTION_SIZE, false, "256K", SEGMENT_MIN, SEGMENT_MAX, NULL,
		"FirstBurstLength: the most unsolicited data of a command, at most "
		"max-burst-length" },
		SCHEMA_NEW_LOGINS, N(first_burst_length) },
	{ { "max-outstanding-r2t", SPT_OPTION_NUMBER, false, "8", 1, 65535, NULL,
		"MaxOutstandingR2T: R2Ts of one command that may be open at a time" },
		SCHEMA_NEW_LOGINS, N(max_outstanding_r2t) },
	{ { "max-connections", SPT_OPTION_NUMBER, false, "4", 1, 16, NULL,
		"MaxConnections: connections that a session may have" },
		SCHEMA_NEW_LOGINS, N(max_connections) },
	{ { "error-recovery-level", SPT_OPTION_NUMBER, false, "2", 0, 2, NULL,
		"ErrorRecoveryLevel, at most: 1 sends again what was lost on a connection, 2 also "
		"lets commands go on from a lost connection to another" },
		SCHEMA_NEW_LOGINS, N(error_recovery_level) },
	{ { "data-pdu-in-order", SPT_OPTION_BOOL, false, "no", 0, 0, NULL,
		"DataPDUInOrder: demand that the PDUs of a data sequence come at rising offsets" },
		SCHEMA_NEW_LOGINS, N(data_pdu_in_order) },
	{ { "data-sequence-in-order", SPT_OPTION_BOOL, false, "no", 0, 0, NULL,
		"DataSequenceInOrder: demand that R2Ts are answered at rising offsets" },
		SCHEMA_NEW_LOGINS, N(data_sequence_in_order) },
	{ { "default-time2wait", SPT_OPTION_NUMBER, false, "2", 0, 3600, NULL,
		"DefaultTime2Wait in seconds: how long an initiator should wait before it logs in "
		"again" },
		SCHEMA_NEW_LOGINS, .form = "seconds", N(time_to_wait_s) },
	{ { "default-time2retain", SPT_OPTION_NUMBER, false, "20", 0, 3600, NULL,
		"DefaultTime2Retain in seconds: how long the tasks of a lost connection are kept" },
		SCHEMA_NEW_LOGINS, .form = "seconds", N(time_to_retain_s) },
	{ { "header-digest", SPT_OPTION_STRING, false, "None,CRC32C", 4, 20, NULL,
		"HeaderDigest: what we agree to, in order of preference" },
		SCHEMA_NEW_LOGINS, .parse = value_digests, .form = "comma list of None, CRC32C",
		N(header_digest) },
	{ { "data-digest", SPT_OPTION_STRING, false, "None,CRC32C", 4, 20, NULL,
		"DataDigest: what we agree to, in order of preference" },
		SCHEMA_NEW_LOGINS, .parse = value_digests, .form = "comma list of None, CRC32C",
		N(data_digest) },
	{ { "task-reporting", SPT_OPTION_STRING, false, "RFC3720,ResponseFence,FastAbort", 7, 60,
		NULL, "TaskReporting: what we agree to; the first of them that the initiator offers "
		"is taken. RFC3720 is what an initiator has that does not ask" },
		SCHEMA_NEW_LOGINS, .parse = value_task_reporting,
		.form = "comma list of RFC3720, ResponseFence, FastAbort", N(task_reporting) },
	{ { "protocol-level", SPT_OPTION_NUMBER, false, "2", 1, 2, NULL,
		"iSCSIProtocolLevel: 1 is RFC 7143; 2 adds RFC 7144, which is command priority and "
		"more task management functions" },
		SCHEMA_NEW_LOGINS, N(protocol_level) },
};

static const struct schema_section_info SECTIONS[SCHEMA_SECTIONS] = {
	[SCHEMA_DAEMON] = { "daemon", false, "The daemon", "What belongs to the daemon as a whole.",
		DAEMON, ARRAY_SIZE(DAEMON) },
	[SCHEMA_PORTAL] = { "portal", true, "Portals",
		"Where initiators connect. A portal serves the targets that name it.", PORTAL,
		ARRAY_SIZE(PORTAL) },
	[SCHEMA_DEVICE] = { "device", true, "Devices",
		"What executes SCSI commands. A device is exported by a target that maps a LUN to "
		"it.",
		DEVICE, ARRAY_SIZE(DEVICE) },
	[SCHEMA_TARGET] = { "target", true, "Targets",
		"What initiators log in to. Nobody may who is not named under initiators.", TARGET,
		ARRAY_SIZE(TARGET) },
};

const struct schema_section_info *schema_section(enum schema_section section)
{
	return &SECTIONS[section];
}

/* "lun.N.serial" for any N, right or wrong: who reads the key tells what is wrong with it. */
static bool is_detail(const char *row, const char *name)
{
	const char *n = strstr(row, ".N."), *dot = strrchr(name, '.');

	return n && dot && !strncmp(row, name, (size_t)(n - row) + 1) && !strcmp(n + 2, dot);
}

static const struct schema_key *find_detail(const struct schema_section_info *info, const char *name)
{
	for (size_t i = 0; i < info->n_keys; i++) {
		if (is_detail(info->keys[i].option.name, name))
			return &info->keys[i];
	}
	return NULL;
}

const struct schema_key *schema_find(enum schema_section section, const char *name)
{
	const struct schema_section_info *info = &SECTIONS[section];
	const struct schema_key *detail = find_detail(info, name);

	if (detail)
		return detail;
	for (size_t i = 0; i < info->n_keys; i++) {
		const struct schema_key *key = &info->keys[i];
		size_t n = strlen(key->option.name);

		if (!strcmp(name, key->option.name))
			return key;
		if (key->numbered && !strncmp(name, key->option.name, n) && name[n] == '.')
			return key;
	}
	return NULL;
}

const char *schema_reload_text(enum schema_reload reload)
{
	static const char *const TEXTS[] = {
		[SCHEMA_LIVE] = "at once",
		[SCHEMA_NEW_LOGINS] = "for new logins",
		[SCHEMA_NEGOTIATED] = "for new logins; sessions are asked to negotiate",
		[SCHEMA_REOPEN] = "what it belongs to is opened again",
		[SCHEMA_RESTART] = "only after a restart",
	};

	return TEXTS[reload];
}

static void store_number(void *field, size_t bytes, uint64_t value)
{
	switch (bytes) {
	case 2:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)field = (uint32_t)value;
		break;
	default:
		assert(bytes == 8);
		*(uint64_t *)field = value;
	}
}

static int store_text(char **field, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

int schema_set(const struct schema_key *key, const char *text, void *fields,
	struct spt_error *error)
{
	void *field = (char *)fields + key->offset;
	struct spt_option_value v;

	assert(key->bytes);
	if (key->parse)
		return key->parse(key, text, field, error);
	int r = spt_option_parse(&key->option, text, &v, error);
	if (r < 0)
		return r;
	switch (key->option.type) {
	case SPT_OPTION_STRING:
		return store_text(field, text);
	case SPT_OPTION_BOOL:
		*(bool *)field = v.flag;
		return 0;
	default:
		store_number(field, key->bytes, v.number);
		return 0;
	}
}

int schema_defaults(enum schema_section section, void *fields)
{
	const struct schema_section_info *info = &SECTIONS[section];

	for (size_t i = 0; i < info->n_keys; i++) {
		const struct schema_key *key = &info->keys[i];

		if (!key->bytes || !key->option.fallback)
			continue;
		int r = schema_set(key, key->option.fallback, fields, NULL);
		/* Only we can break a default. */
		assert(!r || r == -ENOMEM);
		if (r < 0)
			return r;
	}
	return 0;
}

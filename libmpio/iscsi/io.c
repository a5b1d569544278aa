// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commands of a nexus. A slot's list is its stage:
 *
 *   free --send--> waiting --submit--> issued --callback--> answered --> free
 *                                                  \            ^
 *                                                   '-> withheld'
 *
 * libiscsi reads a command's data-out from the client's buffer whenever the
 * socket takes some. Two traps follow, both for a target that answers a
 * command with an error before it has all its data:
 *  - DATA-OUTs that are still queued read the task and the buffer after the
 *    answer. Such an answer is withheld until libiscsi has nothing to write.
 *  - If the command's own PDU is half written, libiscsi drops the other half,
 *    and the next PDU becomes its payload. That session is ended at once.
 * Which PDU is half written libiscsi does not tell. It is no command if it does
 * not want to write on, or if what it has begun since is DATA-OUTs only; else
 * it is one of those that were issued since its queue was last empty. So that
 * these are few, it gets no more than UNSENT_MAX bytes of data-out at a time.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "bytes.h"
#include "command.h"
#include "nexus_internal.h"
#include "settings.h"
#include "status.h"

#define UNSENT_MAX (128u << 10)

/* libiscsi sends a PDU's header and its payload one after the other; corked,
 * they and the whole batch leave together. With large payloads that costs far
 * more than it saves. */
#define CORK_PAYLOAD_MAX (16u << 10)

struct io_slot {
	struct list node;
	struct nexus *nexus;
	struct scsi_task *task;         /* libiscsi's, used again and again */
	struct scsi_iovec iov;
	struct command *command;
	uint64_t lun;
	uint64_t number;                /* in the order of issue */
};

static struct io_slot *slot_of(struct list *node)
{
	return list_entry(node, struct io_slot, node);
}

int io_init(struct nexus *nexus)
{
	unsigned char no_cdb[6] = { 0 };

	list_init(&nexus->free);
	list_init(&nexus->waiting);
	list_init(&nexus->issued);
	list_init(&nexus->answered);
	list_init(&nexus->withheld);
	/* The depth may be raised while they are in use. */
	nexus->slots = calloc(MPIO_MAX_QUEUE_DEPTH, sizeof *nexus->slots);
	if (!nexus->slots)
		return -ENOMEM;
	for (unsigned int i = 0; i < MPIO_MAX_QUEUE_DEPTH; i++) {
		struct io_slot *slot = &nexus->slots[i];

		slot->nexus = nexus;
		list_append(&nexus->free, &slot->node);
		slot->task = scsi_create_task(sizeof no_cdb, no_cdb, SCSI_XFER_NONE, 0);
		if (!slot->task)
			return -ENOMEM;
	}
	return 0;
}

void io_done(struct nexus *nexus)
{
	if (!nexus->slots)
		return;
	for (unsigned int i = 0; i < MPIO_MAX_QUEUE_DEPTH; i++)
		scsi_free_scsi_task(nexus->slots[i].task);
	free(nexus->slots);
}

static void drop_datain(struct scsi_task *task)
{
	free(task->datain.data);        /* malloc()ed for sense data */
	task->datain.data = NULL;
	task->datain.size = 0;
}

void io_reset(struct session *session)
{
	struct nexus *nexus = nexus_of_session(session);

	list_splice(&nexus->free, &nexus->waiting);
	list_splice(&nexus->free, &nexus->issued);
	list_splice(&nexus->free, &nexus->answered);
	list_splice(&nexus->free, &nexus->withheld);
	nexus->last_sent = nexus->last_issued;
	nexus->unsent_bytes = 0;
	nexus->is_blocked = false;
	nexus->may_be_half_sent = false;
	nexus->is_probed = false;
}

bool io_is_idle(const struct nexus *nexus)
{
	return list_is_empty(&nexus->waiting) && list_is_empty(&nexus->issued) &&
		list_is_empty(&nexus->answered) && list_is_empty(&nexus->withheld);
}

void io_send(struct transport *transport, uint64_t lun, struct command *command)
{
	struct nexus *nexus = nexus_of(transport);
	struct list *node = list_pop(&nexus->free);
	struct io_slot *slot = slot_of(node);

	assert(node);                   /* the core counts them */
	slot->command = command;
	slot->lun = lun;
	list_append(&nexus->waiting, node);
	pump_stir(nexus->session.pump, &nexus->session);
}

/*
 * libiscsi does not count the data that come in, and has GOOD for answers that
 * are none: CONDITION MET, and a target failure (RFC 7143 11.4.3), whose status
 * is no status. A READ that is good without its data would serve whatever was in
 * the client's buffer before. So the buffer's end is marked, each time in another
 * way, and what is still marked has not come. A unit that happens to hold the
 * mark is read once more.
 */

static uint64_t mark_of(const struct io_slot *slot)
{
	return slot->number * UINT64_C(0x9e3779b97f4a7c15);     /* never 0, nor soon again */
}

static char *marked_end(const struct io_slot *slot)
{
	const struct scsi_cdb *cdb = &slot->command->cdb;

	if (cdb->dir != SCSI_DIR_IN || cdb->data_len < sizeof(uint64_t))
		return NULL;
	return (char *)slot->command->data + cdb->data_len - sizeof(uint64_t);
}

static void mark(struct io_slot *slot)
{
	uint64_t value = mark_of(slot);
	char *end = marked_end(slot);

	if (end)
		memcpy(end, &value, sizeof value);
}

static bool is_still_marked(const struct io_slot *slot)
{
	uint64_t value = mark_of(slot);
	const char *end = marked_end(slot);

	return end && !memcmp(end, &value, sizeof value);
}

/*
 * Answers
 */

static void record_sense(struct command *command, const struct scsi_task *task)
{
	const unsigned char *data = task->datain.data;
	size_t len;

	/* RFC 7143 11.4.7: a two-byte length, then the sense data. */
	if (!data || task->datain.size < 2)
		return;
	len = (size_t)task->datain.size - 2;
	if (len > get_be16(data))
		len = get_be16(data);
	if (len > COMMAND_SENSE_MAX)
		len = COMMAND_SENSE_MAX;
	memcpy(command->sense, data + 2, len);
	command->sense_len = (uint8_t)len;
}

static void record_answer(struct io_slot *slot, int status)
{
	struct command *command = slot->command;
	const struct scsi_task *task = slot->task;

	command->delivery = DELIVERY_ANSWERED;
	command->status = (uint8_t)status;
	command->overflow = task->residual_status == SCSI_RESIDUAL_OVERFLOW;
	command->residual = task->residual_status == SCSI_RESIDUAL_NO_RESIDUAL ? 0 :
		task->residual > UINT32_MAX ? UINT32_MAX : (uint32_t)task->residual;
	if (status == SCSI_STATUS_CHECK_CONDITION)
		record_sense(command, task);
	else if (!command->residual && is_still_marked(slot))
		command->residual = sizeof(uint64_t);   /* at least */
}

static void on_answer(struct iscsi_context *context, int status, void *data, void *private_data)
{
	struct io_slot *slot = private_data;
	struct nexus *nexus = slot->nexus;

	(void)data;
	if (context != nexus->session.context) {
		/* Its session is being closed. */
	} else if (status < 0 || status > 0xff) {
		/* Cancelled, rejected, or not understood. */
		session_is_lost(&nexus->session);
	} else {
		record_answer(slot, status);
		list_move(&nexus->answered, &slot->node);
		/* From 1.20.3 on libiscsi may answer from inside a submission. */
		pump_stir(nexus->session.pump, &nexus->session);
	}
	drop_datain(slot->task);
}

static void give_back(struct nexus *nexus, struct io_slot *slot)
{
	list_append(&nexus->free, &slot->node);
	transport_answered(&nexus->transport, slot->command);
}

/* It may be early: a write's data is all there before it can be good. */
static bool is_early(const struct io_slot *slot)
{
	return slot->command->cdb.dir == SCSI_DIR_OUT &&
		slot->command->status != SAM_STATUS_GOOD;
}

void io_collect(struct session *session, bool has_read)
{
	struct nexus *nexus = nexus_of_session(session);
	struct list *node;

	if (nexus->is_probed || (has_read && list_is_empty(&nexus->answered)))
		transport_probed(&nexus->transport);    /* bytes are a sign of life */
	nexus->is_probed = false;
	if (list_is_empty(&nexus->answered))
		return;

	while ((node = list_pop(&nexus->answered))) {
		struct io_slot *slot = slot_of(node);

		if (!is_early(slot) || session->has_failed) {
			give_back(nexus, slot);
		} else if (nexus->may_be_half_sent && slot->number > nexus->last_sent) {
			list_append(&nexus->issued, node);
			session_fail(session, "a write was answered before it was sent");
		} else if (session_wants_to_write(session)) {
			list_append(&nexus->withheld, node);
		} else {
			give_back(nexus, slot);
		}
	}
}

static void on_probed(struct iscsi_context *context, int status, void *data, void *private_data)
{
	struct nexus *nexus = private_data;

	(void)data;
	if (context != nexus->session.context)
		return;
	if (status == SCSI_STATUS_GOOD)
		nexus->is_probed = true;
	else
		session_is_lost(&nexus->session);
}

void io_probe(struct transport *transport)
{
	struct nexus *nexus = nexus_of(transport);

	if (iscsi_nop_out_async(nexus->session.context, on_probed, NULL, 0, nexus))
		session_fail(&nexus->session, "cannot send a NOP-Out: %s",
			     iscsi_get_error(nexus->session.context));
	pump_stir(nexus->session.pump, &nexus->session);
}

/*
 * Sending
 */

static void refuse(struct nexus *nexus, struct io_slot *slot)
{
	slot->command->delivery = DELIVERY_REFUSED;
	list_move(&nexus->answered, &slot->node);
	pump_stir(nexus->session.pump, &nexus->session);
}

static void prepare_task(struct io_slot *slot)
{
	const struct scsi_cdb *cdb = &slot->command->cdb;
	struct scsi_task *task = slot->task;

	memset(task, 0, sizeof *task);
	memcpy(task->cdb, cdb->bytes, sizeof cdb->bytes);
	task->cdb_size = cdb->len;
	task->expxferlen = (int)cdb->data_len;
	slot->iov.iov_base = slot->command->data;
	slot->iov.iov_len = cdb->data_len;
	if (!cdb->data_len) {
		task->xfer_dir = SCSI_XFER_NONE;
	} else if (cdb->dir == SCSI_DIR_IN) {
		task->xfer_dir = SCSI_XFER_READ;
		scsi_task_set_iov_in(task, &slot->iov, 1);
	} else {
		task->xfer_dir = SCSI_XFER_WRITE;
		scsi_task_set_iov_out(task, &slot->iov, 1);
	}
}

static uint32_t data_out_len(const struct io_slot *slot)
{
	return slot->command->cdb.dir == SCSI_DIR_OUT ? slot->command->cdb.data_len : 0;
}

static bool issue(struct nexus *nexus, struct io_slot *slot)
{
	struct session *session = &nexus->session;

	/* libiscsi fills the first two bytes of the LUN only, which all single
	 * level addresses are satisfied with (SAM-5 4.7.7). */
	if (slot->lun & 0xffffffffffff) {
		refuse(nexus, slot);
		return true;
	}
	prepare_task(slot);
	slot->number = ++nexus->last_issued;
	mark(slot);
	nexus->unsent_bytes += data_out_len(slot);
	list_move(&nexus->issued, &slot->node);
	if (!iscsi_scsi_command_async(session->context, (int)(slot->lun >> 48), slot->task,
				      on_answer, NULL, slot))
		return true;
	session_fail(session, "cannot send a command: %s", iscsi_get_error(session->context));
	return false;
}

/* Gives libiscsi what it may have. True if that is worth corking. */
static bool submit(struct nexus *nexus)
{
	uint32_t largest = 0;
	unsigned int count = 0;

	while (!list_is_empty(&nexus->waiting) && nexus->unsent_bytes < UNSENT_MAX) {
		struct io_slot *slot = slot_of(nexus->waiting.next);
		uint32_t len = data_out_len(slot);

		if (!issue(nexus, slot))
			break;
		count++;
		if (len > largest)
			largest = len;
	}
	return (count > 1 || largest > 0) && largest <= CORK_PAYLOAD_MAX;
}

static void set_cork(struct session *session, int on)
{
	setsockopt(iscsi_get_fd(session->context), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static void write_some(struct session *session, bool is_corked)
{
	if (is_corked)
		set_cork(session, 1);
	session_service(session, POLLOUT);
	if (is_corked)
		set_cork(session, 0);
}

/* PDUs that libiscsi has not begun to send: commands and DATA-OUTs. */
static int unbegun(const struct session *session)
{
	return iscsi_out_queue_length(session->context);
}

/* Commands and NOP-Outs that it has begun to send, or sent. */
static int begun_commands(const struct session *session)
{
	return iscsi_queue_length(session->context) - unbegun(session);
}

/* True where libiscsi has written all it can write now. */
static bool write_out(struct nexus *nexus, bool is_corked)
{
	struct session *session = &nexus->session;
	bool was_blocked = nexus->is_blocked;
	int unbegun_before = was_blocked ? unbegun(session) : 0;
	int begun_before = was_blocked ? begun_commands(session) : 0;

	if (!session_wants_to_write(session))
		return true;            /* nothing, or the command window is full */
	write_some(session, is_corked);
	if (session->has_failed)
		return false;
	nexus->is_blocked = session_wants_to_write(session);
	if (!nexus->is_blocked)
		nexus->may_be_half_sent = false;
	else if (!was_blocked)
		nexus->may_be_half_sent = true;
	else if (unbegun(session) < unbegun_before)     /* else it is the same PDU */
		nexus->may_be_half_sent = begun_commands(session) != begun_before;
	return !nexus->is_blocked;
}

static void release_withheld(struct nexus *nexus)
{
	if (list_is_empty(&nexus->withheld))
		return;
	list_splice(&nexus->answered, &nexus->withheld);
	pump_stir(nexus->session.pump, &nexus->session);
}

void io_flush(struct session *session)
{
	struct nexus *nexus = nexus_of_session(session);

	do {
		bool is_corked = submit(nexus);

		if (session->has_failed)
			return;
		if (!write_out(nexus, is_corked))
			return;
		release_withheld(nexus);
		if (unbegun(session))
			return;         /* the command window is full */
		nexus->last_sent = nexus->last_issued;
		nexus->unsent_bytes = 0;
	} while (!list_is_empty(&nexus->waiting));
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DSM_API_H
#define MPIO_DSM_API_H

/*
 * The API of device-specific modules for nbdkit-mpio: see mpio-dsm(3). C99 and
 * C++. This header is all that a module needs, and it links with nothing.
 *
 * A module is a shared object that exports mpio_dsm_init(). Bytes and values go
 * in, verdicts come out; all I/O is done by the caller.
 *
 * Threads: all functions of all modules are called by one thread at a time,
 * which is not always the same one. They must not block, and not call back.
 * Ownership: what a pointer argument points to is the caller's and valid until
 * the function returns. Pointers that a module gives must stay valid until it
 * is unloaded, at the end of the process: string literals, static objects.
 * Lifetime: structs keep their size for this API version. Reserved fields are
 * zero on the way in and must be left alone; they become new fields, for which
 * zero then means "as before".
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MPIO_DSM_API_VERSION 1

/* Access states of a path, SPC-4 "target port asymmetric access state". */
enum mpio_dsm_state {
	MPIO_DSM_STATE_KEEP = -1,               /* as the array says */
	MPIO_DSM_ACTIVE_OPTIMIZED = 0,
	MPIO_DSM_ACTIVE_UNOPTIMIZED = 1,
	MPIO_DSM_STANDBY = 2,
	MPIO_DSM_UNAVAILABLE = 3,
	MPIO_DSM_TRANSITIONING = 4
};

/* A logical unit as it shows itself at the end of one path. Strings are
 * NUL-terminated, blanks cut off at both ends, and never NULL. */
struct mpio_dsm_unit {
	const char *vendor;                     /* standard INQUIRY data */
	const char *product;
	const char *revision;
	const char *serial;                     /* VPD 80h; "" where there is none */
	const char *identity;                   /* "naa.6001405...": VPD 83h, else 80h */
	const uint8_t *inquiry;                 /* standard INQUIRY data as sent */
	uint32_t inquiry_len;
	uint32_t block_size;                    /* bytes */
	uint64_t nblocks;
	uint8_t device_type;                    /* 0: direct-access block device */
	uint8_t peripheral_qualifier;           /* 0: connected */
	uint8_t version;                        /* 5: SPC-3, 6: SPC-4 */
	uint8_t tpgs;                           /* ALUA: 1 implicit, 2 explicit, 3 both */
	uint8_t is_write_protected;
	uint8_t has_write_cache;
	uint8_t reserved8[2];
	uint64_t reserved[7];
};

/* A path. */
struct mpio_dsm_path {
	const char *portal;                     /* "192.0.2.10:3260" */
	const char *target;                     /* iSCSI name */
	uint64_t lun;                           /* the eight bytes of SAM-5 4.7 */
	uint32_t number;                        /* from 0, for the path's life */
	int32_t state;                          /* enum mpio_dsm_state */
	uint32_t weight;                        /* the administrator's */
	uint8_t is_preferred;                   /* the administrator's */
	uint8_t is_standby;                     /* the administrator's */
	uint8_t has_free_slot;                  /* it may be given to pick() */
	uint8_t is_to_avoid;                    /* the command has just failed there */
	uint32_t in_flight;                     /* commands of this unit */
	uint32_t nexus_in_flight;               /* of all units and processes, to that port */
	uint64_t in_flight_bytes;
	uint64_t nexus_in_flight_bytes;
	uint64_t reserved[8];
};

/* A command that wants a path. */
struct mpio_dsm_io {
	uint64_t lba;
	uint32_t nblocks;
	uint32_t nbytes;                        /* of data, either way */
	uint8_t opcode;                         /* byte 0 of the CDB */
	uint8_t is_write;                       /* it changes the medium */
	uint8_t reserved8[2];
	uint32_t tries;                         /* so far, those that were counted */
	uint64_t reserved[5];
};

enum mpio_dsm_delivery {
	MPIO_DSM_ANSWERED = 0,                  /* status says the rest */
	MPIO_DSM_LOST = 1,                      /* the session went: it may have been done */
	MPIO_DSM_REFUSED = 2                    /* it was never sent */
};

/* How a command ended. */
struct mpio_dsm_outcome {
	const uint8_t *sense;                   /* raw sense data, from the response code on */
	uint32_t sense_len;
	uint32_t residual;                      /* bytes of blocks that were not moved */
	uint8_t delivery;                       /* enum mpio_dsm_delivery */
	uint8_t status;                         /* SAM-5 5.3.1: 02h is CHECK CONDITION */
	uint8_t opcode;
	uint8_t is_write;
	uint8_t has_sense;                      /* the next four fields count */
	uint8_t is_deferred;                    /* about an earlier command */
	uint8_t key;                            /* sense key, SPC-4 4.5 */
	uint8_t asc;
	uint8_t ascq;
	uint8_t is_overflow;                    /* there was more to move than asked for */
	uint8_t reserved8[6];
	uint64_t reserved[4];
};

enum mpio_dsm_action {
	MPIO_DSM_DEFAULT = 0,                   /* as the generic module judges it */
	MPIO_DSM_DONE = 1,                      /* it did what it should */
	MPIO_DSM_RETURN = 2,                    /* the client gets the error */
	MPIO_DSM_RETRY_SAME = 3,                /* on this path, if it is still usable */
	MPIO_DSM_RETRY_OTHER = 4                /* on another one, if there is one */
};

/* What a client may be told. */
enum mpio_dsm_error {
	MPIO_DSM_EIO = 0,
	MPIO_DSM_ENOSPC = 1,                    /* no space, or beyond the end */
	MPIO_DSM_EROFS = 2,                     /* write-protected */
	MPIO_DSM_EOPNOTSUPP = 3,                /* the unit has no such command */
	MPIO_DSM_EINVAL = 4                     /* a field of the command is refused */
};

/* What is to be done about it. */
struct mpio_dsm_verdict {
	const char *reason;                     /* for messages; NULL: none */
	int32_t action;                         /* enum mpio_dsm_action */
	int32_t error;                          /* enum mpio_dsm_error: of RETURN, and when
						 * no retry is left */
	uint32_t delay_ms;                      /* before a retry, up to 60000 */
	uint8_t is_counted;                     /* the retry is one of retry-count */
	uint8_t fails_path;                     /* no more I/O there until it is verified */
	uint8_t rechecks_identity;              /* verified before any more I/O */
	uint8_t rechecks_access;                /* the access states are out of date */
	uint8_t lowers_depth;                   /* too many commands are in flight there */
	uint8_t reserved8[7];
	uint64_t reserved[4];
};

enum mpio_dsm_direction {
	MPIO_DSM_NO_DATA = 0,
	MPIO_DSM_DATA_IN = 1,                   /* to us */
	MPIO_DSM_DATA_OUT = 2                   /* to the unit */
};

#define MPIO_DSM_IN_MAX 4096
#define MPIO_DSM_OUT_MAX 512

/* A command that the module wants to be sent. */
struct mpio_dsm_command {
	uint8_t cdb[16];
	uint8_t cdb_len;                        /* 6, 10, 12 or 16 */
	uint8_t direction;                      /* enum mpio_dsm_direction */
	uint16_t data_len;                      /* bytes */
	uint32_t reserved32;
	uint64_t reserved[4];
	uint8_t data[MPIO_DSM_OUT_MAX];         /* of DATA_OUT */
};

enum mpio_dsm_result {
	MPIO_DSM_PASS = 0,
	MPIO_DSM_FAIL = 1,                      /* the path carries no I/O */
	MPIO_DSM_RETRY = 2                      /* ask again, a few times */
};

/* What the answer to verify()'s command means. */
struct mpio_dsm_check {
	int32_t result;                         /* enum mpio_dsm_result */
	int32_t state;                          /* enum mpio_dsm_state; KEEP at first */
	char reason[128];                       /* of FAIL */
	uint64_t reserved[4];
};

enum mpio_dsm_fence {
	MPIO_DSM_FENCE_UNKNOWN = 0,
	MPIO_DSM_FENCE_NONE = 1,
	MPIO_DSM_FENCE_ASSUMED = 2,
	MPIO_DSM_FENCE_VERIFIED = 3
};

/* pick(): wait for a slot of a path that has none. */
#define MPIO_DSM_WAIT (-1)

/* What a device keeps for pick() from call to call; zero at first. */
struct mpio_dsm_memory {
	uint64_t words[8];
};

/*
 * The module. All but name and claim may be NULL. In the order of a device's
 * life; new functions are added at the end, and struct_size tells which there
 * are.
 */
struct mpio_dsm {
	uint32_t api_version;                   /* MPIO_DSM_API_VERSION */
	uint32_t struct_size;                   /* sizeof(struct mpio_dsm) */
	const char *name;                       /* 1 to 31 of a-z 0-9 - _ . */

	/* 1 to own UNIT, for the device's life; 0 with a reason, of at most LEN
	 * bytes, in REASON. Called for every verified path, and again. */
	int (*claim)(const struct mpio_dsm_unit *unit, char *reason, size_t len);

	/* 1 where A and B are one logical unit. NULL: equal identities are. */
	int (*same_unit)(const struct mpio_dsm_unit *a, const struct mpio_dsm_unit *b);

	/* The last question of each verification of a path, NO_DATA or DATA_IN.
	 * 1: COMMAND is to be sent; 0: nothing. */
	int (*verify)(const struct mpio_dsm_path *path, const struct mpio_dsm_unit *unit,
		      struct mpio_dsm_command *command);

	/* Its answer: OUTCOME (GOOD, or sense data that are no unit attention)
	 * and LEN bytes of DATA. Unit attentions, busy units and lost sessions
	 * are seen to by the caller. Goes with verify. */
	void (*verify_answer)(const struct mpio_dsm_path *path,
			      const struct mpio_dsm_unit *unit,
			      const struct mpio_dsm_outcome *outcome,
			      const uint8_t *data, uint32_t len,
			      struct mpio_dsm_check *check);

	/* The state of PATH, whose field state is what the array, or the answer
	 * to verify, says. An enum mpio_dsm_state. */
	int (*path_state)(const struct mpio_dsm_path *path, const struct mpio_dsm_unit *unit);

	/* The command that makes PATH active. 1: COMMAND is to be sent; 0:
	 * nothing. Asked for where no path is active. */
	int (*activate)(const struct mpio_dsm_path *path, const struct mpio_dsm_unit *unit,
			struct mpio_dsm_command *command);

	/* Index in PATHS, which are COUNT > 0 usable ones of the best state there
	 * is, of the one that takes IO; it must have a free slot. Or
	 * MPIO_DSM_WAIT, where not all have one. NULL: the policy picks. */
	int (*pick)(const struct mpio_dsm_path *paths, uint32_t count,
		    const struct mpio_dsm_io *io, struct mpio_dsm_memory *memory);

	/* What OUTCOME means. VERDICT is all zero, MPIO_DSM_DEFAULT. */
	void (*interpret_error)(const struct mpio_dsm_outcome *outcome,
				struct mpio_dsm_verdict *verdict);

	/* An enum mpio_dsm_fence: whether LOGICAL UNIT RESET and session
	 * reinstatement hold back writes of a session that is gone. */
	int (*fence_strength)(const struct mpio_dsm_unit *unit);
};

/* What a module exports. Called once. NULL: it does not want to be used. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct mpio_dsm *mpio_dsm_init(void);

#ifdef __cplusplus
}
#endif

#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
/* MODE SENSE(10) parameter data (SPC-4 7.5, SBC-3 6.5).  Pure functions: any thread. */
#ifndef MPIO_MODE_H
#define MPIO_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODE_PAGE_CACHING 0x08
#define MODE_PAGE_CONTROL 0x0a
#define MODE_PAGE_ALL 0x3f

#define MODE_ALLOC_LEN 512

/* Mode parameter header(10), SPC-4 7.5, with SBC-3 6.5's device-specific byte. */
struct mode_header {
	uint16_t data_len;	/* MODE DATA LENGTH as sent: bytes behind this field */
	uint8_t medium_type;
	bool write_protected;	/* WP, whoever asked for it */
	bool dpofua;		/* the FUA bit of READ and WRITE works */
	bool longlba;
	uint16_t block_descriptors_len;
};

/* Caching mode page 08h, SBC-3 6.5. */
struct mode_caching {
	bool wce;		/* writes are acknowledged from a volatile cache */
	bool rcd;		/* read cache disabled */
	bool dra;		/* no read-ahead; false where the page ends before it */
	bool nv_dis;		/* non-volatile cache disabled */
};

/* Control mode page 0Ah, SPC-4 7.5. */
struct mode_control {
	uint8_t tst;		/* task set type: 0 one per LU, 1 one per I_T nexus */
	bool d_sense;		/* sense data comes in descriptor format */
	uint8_t queue_algorithm;	/* 1: may reorder without restriction */
	uint8_t qerr;		/* what a CHECK CONDITION does to other commands */
	uint8_t ua_intlck;	/* UA_INTLCK_CTRL */
	bool swp;		/* software write protect */
	bool tas;		/* aborted commands are answered TASK ABORTED */
	uint16_t busy_timeout;	/* units of 100 ms, FFFFh unlimited, 0 unsaid */
};

struct mode_data {
	struct mode_header header;
	bool has_caching, has_control;
	bool truncated;		/* fewer bytes came than the header promises */
	struct mode_caching caching;
	struct mode_control control;
};

/*
 * Reads the header and finds the caching and the control page among the pages
 * that follow, skipping block descriptors, other pages and subpages.  A page
 * that is cut counts if the bytes with our fields are there; of two with one
 * code the first counts.  What follows page 00h, which need not have a format
 * (SPC-4 7.5), counts only if it is made of whole pages.  Returns 0;
 * -EMSGSIZE if the header is not whole; -EPROTO if lengths contradict each
 * other.  On error *out is zero.
 */
int mode_sense10_parse(const void *buf, size_t len, struct mode_data *out);

#endif
